import { z } from "zod";

/** One resource a plan would change, without any value that is marked sensitive. */
export interface ResourceChange {
  /** `module.server["hetzner-1"].hcloud_server.this` */
  address: string;
  /** `hcloud_server` */
  type: string;
  action: "create" | "update" | "replace" | "delete" | "forget" | "import";
  /** The attributes that differ. */
  attributes: string[];
  /** Attributes before and after; null where there is none. Sensitive and still unknown ones are absent. */
  before: Readonly<Record<string, unknown>> | null;
  after: Readonly<Record<string, unknown>> | null;
}

export interface PlanContents {
  changes: ResourceChange[];
  /** What was changed or removed behind OpenTofu's back since the last apply. */
  drift: ResourceChange[];
  /** Outputs whose value would change: a plan of those alone is not empty either. */
  outputs: string[];
  /** The ids of all that the state has. */
  ids: string[];
  /** What the outputs are after it, as far as that is known; sensitive ones too, so never log them. */
  values: Readonly<Record<string, unknown>>;
}

const Mask = z.union([z.boolean(), z.record(z.string(), z.unknown())]).catch(false);
const Values = z.record(z.string(), z.unknown()).nullish();
const Change = z.object({
  address: z.string(),
  mode: z.string(),
  type: z.string(),
  change: z.object({
    actions: z.array(z.string()),
    before: Values,
    after: Values,
    after_unknown: Mask,
    before_sensitive: Mask,
    after_sensitive: Mask,
    importing: z.unknown().optional(),
  }),
});
const PlanSchema = z.object({
  resource_changes: z.array(Change).default([]),
  resource_drift: z.array(Change).default([]),
  planned_values: z
    .object({ outputs: z.record(z.string(), z.object({ value: z.unknown().optional() })).default({}) })
    .default({ outputs: {} }),
  output_changes: z.record(z.string(), z.object({ actions: z.array(z.string()) })).default({}),
});

/** Reads `tofu show -json PLAN`: https://opentofu.org/docs/internals/json-format */
export function readPlan(json: string): PlanContents {
  const plan = PlanSchema.parse(JSON.parse(json));
  return {
    changes: plan.resource_changes.flatMap(changeOf),
    drift: plan.resource_drift.flatMap(changeOf),
    outputs: Object.entries(plan.output_changes)
      .filter(([, { actions }]) => actions.some((action) => action !== "no-op"))
      .map(([name]) => name),
    ids: plan.resource_changes.flatMap(({ mode, change }) => {
      const id = change.before?.["id"];
      return mode === "managed" && typeof id === "string" ? [id] : [];
    }),
    values: Object.fromEntries(
      Object.entries(plan.planned_values.outputs).map(([name, { value }]) => [name, value]),
    ),
  };
}

interface Module {
  resources?: { mode: string; values: { id?: unknown } }[];
  child_modules?: Module[];
}

/** The ids of all that a state has, of `tofu show -json`. */
export function readIds(json: string): string[] {
  const { values } = JSON.parse(json) as { values?: { root_module: Module } };
  const idsIn = ({ resources = [], child_modules = [] }: Module): string[] => [
    ...resources.flatMap(({ mode, values: { id } }) =>
      mode === "managed" && typeof id === "string" ? [id] : [],
    ),
    ...child_modules.flatMap(idsIn),
  ];
  return idsIn(values?.root_module ?? {});
}

function changeOf({ address, mode, type, change }: z.output<typeof Change>): ResourceChange[] {
  const action = actionOf(change.actions, change.importing !== undefined);
  if (mode !== "managed" || action === undefined) return [];
  const hidden = { ...named(change.before_sensitive), ...named(change.after_sensitive) };
  const unknown = named(change.after_unknown);
  const [before, after] = [change.before ?? null, change.after ?? null];
  const attributes = [
    ...new Set([...Object.keys(before ?? {}), ...Object.keys(after ?? {}), ...Object.keys(unknown)]),
  ]
    .filter((name) => name in unknown || JSON.stringify(before?.[name]) !== JSON.stringify(after?.[name]))
    .sort();
  return [
    { address, type, action, attributes, before: without(before, hidden), after: without(after, hidden) },
  ];
}

function actionOf(actions: readonly string[], importing: boolean): ResourceChange["action"] | undefined {
  if (actions.includes("create") && actions.includes("delete")) return "replace";
  const found = (["create", "update", "delete", "forget"] as const).find((action) =>
    actions.includes(action),
  );
  return found ?? (importing ? "import" : undefined);
}

/** The attributes that a mask marks, wholly or in part. */
function named(mask: boolean | Record<string, unknown>): Record<string, true> {
  if (typeof mask === "boolean") return {};
  return Object.fromEntries(
    Object.entries(mask)
      .filter(([, marked]) => marks(marked))
      .map(([name]) => [name, true]),
  );
}

function marks(mask: unknown): boolean {
  return typeof mask === "object" && mask !== null ? Object.values(mask).some(marks) : mask === true;
}

function without(values: Record<string, unknown> | null, hidden: Record<string, true>) {
  return values === null
    ? null
    : Object.fromEntries(Object.entries(values).filter(([name]) => !(name in hidden)));
}
