import { z } from "zod";

/** An Application of ArgoCD, of its `status` what tells whether it is where it should be. */
export const ApplicationSchema = z.object({
  name: z.string(),
  repoURL: z.string(),
  targetRevision: z.string(),
  sync: z.string(),
  revision: z.string(),
  health: z.string(),
  /** Messages of its conditions that are errors. */
  conditions: z.array(z.string()),
  operation: z.object({ phase: z.string(), message: z.string() }),
  /** What the last sync could not apply. */
  failed: z.array(z.string()),
  /** The Applications it is made of. */
  children: z.array(z.string()),
});
export type Application = z.output<typeof ApplicationSchema>;

/** What `look.py` says. */
export const LookSchema = z.object({
  /** sha256 of what is in the Secret `sops-age`; null where there is none. */
  ageKeys: z.string().nullable(),
  repository: z
    .object({
      url: z.string(),
      type: z.string(),
      project: z.string(),
      key: z.string().nullable(),
      label: z.string(),
    })
    .nullable(),
  knownHosts: z.string().nullable(),
  /** AppProject → the repositories it allows. */
  projects: z.record(z.string(), z.array(z.string())),
  applications: z.array(ApplicationSchema),
});
export type Look = z.output<typeof LookSchema>;

/** The Application that all others come from. */
export const ROOT = "cluster";

export function isReady({ sync, health, revision }: Application, commit: string): boolean {
  return sync === "Synced" && health === "Healthy" && revision === commit;
}

/** The Applications that are not there or not yet as the commit says; empty: all are. */
export function unready(applications: readonly Application[], commit: string): string[] {
  const names = new Set(applications.map(({ name }) => name));
  const children = applications.flatMap((application) => application.children);
  const missing = [ROOT, ...children].filter((name) => !names.has(name));
  const late = applications.filter((application) => !isReady(application, commit)).map(({ name }) => name);
  return [...new Set([...missing, ...late])].sort();
}

/** How an Application stands, in a line: where it is wrong with the cause, as far as ArgoCD says it. */
export function describe(application: Application, commit: string): string {
  const { name, sync, health, revision } = application;
  if (isReady(application, commit)) return `${name}: Synced, Healthy`;
  const behind = revision !== "" && revision !== commit ? ` at ${revision.slice(0, 7)}` : "";
  const cause = causeOf(application);
  return `${name}: ${sync}${behind}, ${health}${cause === "" ? "" : `: ${cause}`}`;
}

/** What ArgoCD says is wrong; empty where it only has not come to it yet. */
export function causeOf({ conditions, operation, failed }: Application): string {
  const said = [...failed, ...conditions];
  if (/^(Failed|Error)$/.test(operation.phase) || said.length === 0) said.push(operation.message);
  // A sync that goes well says so, too.
  const faults = said.filter((text) => text !== "" && !/^successfully synced/i.test(text));
  return [...new Set(faults.map(shortened))].join("; ");
}

/** ArgoCD prints whole commands; a person needs their end, where the cause is. */
function shortened(text: string): string {
  const line = text.trim().replaceAll(/\s+/g, " ");
  return line.length <= 600 ? line : `${line.slice(0, 200)} … ${line.slice(-380)}`;
}
