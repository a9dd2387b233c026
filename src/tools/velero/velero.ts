import { readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { UserError } from "../../output/errors.ts";
import { runPython } from "../ssh/python.ts";
import { type SshTarget, sshVerdict } from "../ssh/ssh.ts";

export { listVolumeBackups, readVolumeBackup, type VolumeBackup } from "./bucket.ts";

export interface RestoreRequest {
  /** Of the Restore. */
  name: string;
  backup: string;
  namespaces: readonly string[] | "all";
  /** Kinds, as `deployments.apps`; default: all. */
  resources?: readonly string[];
}

/** What came of a Backup or Restore of Velero's. */
export interface VeleroOutcome {
  /** `Completed`: without an error. https://velero.io/docs/v1.18/api-types/restore/ */
  phase: string;
  warnings: number;
  errors: number;
  /** What it and its volumes say, errors first; 20 at most. */
  problems: string[];
  /** As Velero's own clock has it. */
  seconds: number;
}

const PROGRAM = readFileSync(join(import.meta.dirname, "follow.py"), "utf8");
const OutcomeSchema = z.object({
  phase: z.string(),
  warnings: z.int(),
  errors: z.int(),
  problems: z.array(z.string()),
  seconds: z.number(),
});
const LineSchema = z.union([z.object({ progress: z.string() }), z.object({ outcome: OutcomeSchema })]);

/** Without any move for so long it is given up: Velero itself waits for a pod's volume for four hours. */
const STALLED_SECONDS = 15 * 60;
/** Where Velero itself says that it can't reach its bucket: it looks each minute. */
const UNREACHED_SECONDS = 3 * 60;
const LONGEST = 12 * 60 * 60_000;

/** Creates a Restore, or goes on waiting for one of that name, and ends with it. */
export function restoreByVelero(
  master: SshTarget,
  { name, backup, namespaces, resources }: RestoreRequest,
  progress: (line: string) => void,
): Promise<VeleroOutcome> {
  const wanted = namespaces === "all" ? ["*"] : namespaces;
  return follow(
    master,
    { kind: "Restore", name, backup, namespaces: wanted, ...(resources === undefined ? {} : { resources }) },
    progress,
  );
}

/** Creates a Backup as the schedule `volumes` would, or waits for one of that name, and ends with it. */
export function backupByVelero(
  master: SshTarget,
  name: string,
  progress: (line: string) => void,
): Promise<VeleroOutcome> {
  return follow(master, { kind: "Backup", name }, progress);
}

async function follow(
  master: SshTarget,
  asked: Partial<Omit<RestoreRequest, "namespaces">> & {
    kind: "Backup" | "Restore";
    namespaces?: readonly string[];
  },
  progress: (line: string) => void,
): Promise<VeleroOutcome> {
  let outcome: VeleroOutcome | undefined;
  const onLine = (line: string) => {
    const told = LineSchema.parse(JSON.parse(line));
    if ("outcome" in told) outcome = told.outcome;
    else progress(told.progress);
  };
  const data = { ...asked, stalled: STALLED_SECONDS, unreached: UNREACHED_SECONDS };
  const { exitCode, stderr } = await runPython(master, PROGRAM, data, { timeout: LONGEST, onLine });
  if (outcome !== undefined) return outcome;
  const what = `Velero's ${asked.kind} ${asked.name ?? ""} can't be followed to its end`;
  if (exitCode === 255) throw new UserError({ what, ...sshVerdict(stderr, master) });
  throw new UserError({
    what,
    why: stderr.trim(),
    fix: "infra-k3s status; run this again: it goes on with it",
  });
}
