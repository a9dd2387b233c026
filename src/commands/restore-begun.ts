import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { writeAtomically } from "../repository/write.ts";

/** What a restore that was begun works on, so that the next run goes on with it: by then R2 may have newer snapshots. */
export const BEGUN = ".infra-k3s/restore.json";
/** The same of one that is about volumes alone; its snapshot is empty. */
export const BEGUN_VOLUMES = ".infra-k3s/restore-volumes.json";

const named = z.object({ namespace: z.string(), name: z.string() });
const VolumesSchema = z.object({
  /** Velero's backup, and when it was made. */
  backup: z.string(),
  at: z.string(),
  /** Velero's Restore. */
  restore: z.string(),
  claims: z.array(z.object({ volume: z.string(), claim: z.string(), node: z.string(), path: z.string() })),
  workloads: z.array(named.extend({ kind: z.string(), claims: z.array(z.string()) })),
  pods: z.array(z.string()),
  withheld: z.array(z.string()),
  /** How many volumes the backup has. */
  saved: z.int(),
  isDone: z.boolean(),
});
const BegunSchema = z.object({ snapshot: z.string(), volumes: VolumesSchema.optional() });

export type Begun = z.output<typeof BegunSchema>;
/** The lost volumes that are on their way back: once they are removed, nothing else in the cluster tells which they were. */
export type BegunVolumes = z.output<typeof VolumesSchema>;

export function readBegun(root: string, file = BEGUN): Begun | undefined {
  const path = join(root, file);
  return existsSync(path) ? BegunSchema.parse(JSON.parse(readFileSync(path, "utf8"))) : undefined;
}

export function noteBegun(root: string, begun: Begun, file = BEGUN): void {
  writeAtomically(join(root, file), `${JSON.stringify(begun, null, 2)}\n`, 0o600);
}

export function forgetBegun(root: string, file = BEGUN): void {
  rmSync(join(root, file), { force: true });
}
