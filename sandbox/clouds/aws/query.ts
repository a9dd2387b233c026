import { z } from "zod";
import { Refusal } from "./answer.ts";

export type Tree = string | Tree[] | { [name: string]: Tree };

/** `Filter.1.Value.2=x` as nested lists and objects: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/Query-Requests.html */
export function parseQuery(body: string): Record<string, Tree> {
  const root: Record<string, unknown> = {};
  for (const [key, value] of new URLSearchParams(body)) {
    let at = root;
    const parts = key.split(".");
    const last = parts.pop() ?? "";
    for (const part of parts) at = (at[part] ??= {}) as Record<string, unknown>;
    at[last] = value;
  }
  return lists(root) as Record<string, Tree>;
}

function lists(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).map(([name, inside]) => [name, lists(inside)] as const);
  const numbered = entries.length > 0 && entries.every(([name]) => /^\d+$/.test(name));
  if (!numbered) return Object.fromEntries(entries);
  return entries.toSorted(([a], [b]) => Number(a) - Number(b)).map(([, inside]) => inside);
}

export const Flag = z.enum(["true", "false"]).transform((value) => value === "true");
export const Int = z
  .string()
  .regex(/^-?\d+$/)
  .transform(Number);
export const Texts = z.array(z.string()).default([]);
/** `InstanceId.1` of someone who gives one only may be `InstanceId`. */
export const Filters = z
  .array(z.strictObject({ Name: z.string(), Value: z.array(z.string()).default([]) }))
  .default([]);
export const Paged = { MaxResults: Int.optional(), NextToken: z.string().optional() };
const Tag = z.strictObject({ Key: z.string().min(1).max(127), Value: z.string().max(255).default("") });
export const TagsSchema = z.array(Tag).default([]);
export const TagSpecifications = z
  .array(z.strictObject({ ResourceType: z.string(), Tag: TagsSchema }))
  .default([]);

/** EC2 knows more parameters than are simulated: one that is not is named, and never ignored. */
export function parseParameters<T>(schema: z.ZodType<T>, action: string, given: Record<string, Tree>): T {
  const parsed = schema.safeParse(given);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const path = (issue?.path ?? []).map((part) => (typeof part === "number" ? part + 1 : part)).join(".");
  if (issue?.code === "unrecognized_keys")
    throw new Refusal("NotSimulated", `${action}: not simulated: ${[path, issue.keys.join(", ")].filter(Boolean).join(".")}`, 501); // prettier-ignore
  if (issue?.code === "invalid_type" && issue.input === undefined)
    throw new Refusal("MissingParameter", `The request must contain the parameter ${path}`);
  throw new Refusal("InvalidParameterValue", `Invalid value for ${path}: ${issue?.message ?? ""}`);
}

/** Filters with `*` and `?`: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Filtering.html */
export function selected<T>(
  all: readonly T[],
  filters: z.output<typeof Filters>,
  values: (one: T) => Readonly<Record<string, string | number | boolean | undefined | readonly string[]>>,
  tags: (one: T) => Readonly<Record<string, string>> = () => ({}),
): T[] {
  return all.filter((one) =>
    filters.every(({ Name, Value }) => {
      const own = valuesOf(Name, values(one), tags(one));
      return Value.some((wanted) => own.some((value) => pattern(wanted).test(value)));
    }),
  );
}

function valuesOf(
  name: string,
  values: Readonly<Record<string, string | number | boolean | undefined | readonly string[]>>,
  tags: Readonly<Record<string, string>>,
): readonly string[] {
  if (name === "tag-key") return Object.keys(tags);
  if (name.startsWith("tag:")) {
    const value = tags[name.slice(4)];
    return value === undefined ? [] : [value];
  }
  if (!(name in values)) throw new Refusal("InvalidParameterValue", `The filter '${name}' is invalid`);
  const value = values[name];
  return value === undefined ? [] : Array.isArray(value) ? (value as string[]) : [String(value)];
}

export function pattern(glob: string): RegExp {
  const source = glob
    .replaceAll(/[.+^${}()|[\]\\]/g, String.raw`\$&`)
    .replaceAll("*", ".*")
    .replaceAll("?", ".");
  return new RegExp(`^${source}$`, "s");
}
