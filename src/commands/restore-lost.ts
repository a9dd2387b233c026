import { readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import type { LocalVolume, SavedVolume, Workload } from "../backup/lost.ts";
import { type ClusterContext, masterTarget, targetOf } from "../stages/context.ts";
import type { Bucket } from "../tools/s3/s3.ts";
import { readObject } from "../tools/s3/s3.ts";
import { mustPython, runPython } from "../tools/ssh/python.ts";
import type { SshTarget } from "../tools/ssh/ssh.ts";
import { jsonOf, volumeBackupKey } from "../tools/velero/bucket.ts";
import type { BegunVolumes } from "./restore-begun.ts";

/** What is asked about lost volumes, and done to them: on the master, on the nodes, in the bucket. */

const program = (name: string) => readFileSync(join(import.meta.dirname, `restore-lost-${name}.py`), "utf8");
const LOOK = program("look");
const READY = program("ready");
const REMOVE = program("remove");

const LookSchema = z.object({
  volumes: z.array(z.object({ volume: z.string(), claim: z.string(), node: z.string(), path: z.string() })),
  workloads: z.array(
    z.object({ kind: z.string(), namespace: z.string(), name: z.string(), claims: z.array(z.string()) }),
  ),
});

export interface Losses {
  lost: LocalVolume[];
  workloads: Workload[];
  /** Volumes of nodes that do not answer: nobody knows. */
  unseen: LocalVolume[];
}

/** The volumes whose folder is not on their node, or whose node is no longer declared. Changes nothing. */
export async function findLost(context: ClusterContext): Promise<Losses> {
  const look = LookSchema.parse(JSON.parse(await onMaster(masterTarget(context), LOOK, {}, 120_000)));
  const nodes = [...new Set(look.volumes.map(({ node }) => node))];
  const found = await Promise.all(
    nodes.map(async (name) => {
      const volumes = look.volumes.filter(({ node }) => node === name);
      const declared = context.model.nodes.find((node) => node.name === name);
      if (declared === undefined) return { lost: volumes, unseen: [] };
      const target = targetOf(context, declared);
      const missing = target === undefined ? undefined : await missingFolders(target, volumes);
      return missing === undefined
        ? { lost: [], unseen: volumes }
        : { lost: volumes.filter(({ path }) => missing.includes(path)), unseen: [] };
    }),
  );
  return {
    lost: found.flatMap(({ lost }) => lost),
    unseen: found.flatMap(({ unseen }) => unseen),
    workloads: look.workloads,
  };
}

const MISSING = "import os\nprint(json.dumps([path for path in DATA if not os.path.isdir(path)]))\n";

async function missingFolders(
  target: SshTarget,
  volumes: readonly LocalVolume[],
): Promise<string[] | undefined> {
  const asked = volumes.map(({ path }) => path);
  const { exitCode, stdout } = await runPython(target, MISSING, asked, { timeout: 30_000 });
  return exitCode === 0 ? z.array(z.string()).parse(JSON.parse(stdout)) : undefined;
}

const SavedSchema = z.array(
  z.object({
    metadata: z.object({ annotations: z.record(z.string(), z.string()).optional() }),
    spec: z.object({ pod: z.object({ namespace: z.string(), name: z.string() }) }),
    status: z.object({ snapshotID: z.string().optional() }).optional(),
  }),
);

/** What a backup lists. */
export interface Listed {
  /** The volumes that it has the files of. */
  saved: SavedVolume[];
  /** How many volumes it lists. */
  count: number;
  /** Every pod, `NAMESPACE/NAME`. */
  pods: string[];
}

export async function readSaved(bucket: Bucket, backup: string): Promise<Listed> {
  const [volumes, resources] = await Promise.all(
    ["podvolumebackups", "resource-list"].map(async (what) => {
      const bytes = await readObject(bucket, volumeBackupKey(backup, `${backup}-${what}.json.gz`));
      return bytes === undefined ? undefined : jsonOf(bytes);
    }),
  );
  return parseListed(volumes, resources);
}

/** A PodVolumeBackup for each volume, and the names of all objects by their kinds. */
export function parseListed(volumes: unknown, resources: unknown): Listed {
  const all = SavedSchema.parse(volumes ?? []);
  const saved = all.flatMap(({ metadata, spec: { pod }, status }): SavedVolume[] => {
    const claim = metadata.annotations?.["velero.io/pvc-name"];
    if (claim === undefined || (status?.snapshotID ?? "") === "") return [];
    return [{ claim: `${pod.namespace}/${claim}`, pod: `${pod.namespace}/${pod.name}` }];
  });
  const named = z.record(z.string(), z.array(z.string())).parse(resources ?? {});
  return { saved, count: all.length, pods: named["v1/Pod"] ?? [] };
}

const READY_SECONDS = 15 * 60;

/** Waits until Velero works and knows the backup: before that nothing is removed. */
export async function waitForVelero(
  master: SshTarget,
  { backup, saved }: BegunVolumes,
  progress: (line: string) => void,
): Promise<void> {
  const data = { backup, volumes: saved, patience: READY_SECONDS };
  const onLine = (line: string) =>
    progress(z.object({ progress: z.string() }).parse(JSON.parse(line)).progress);
  await onMaster(master, READY, data, (READY_SECONDS + 120) * 1000, onLine);
}

/** Removes what would keep Velero from making the volumes anew; nothing where its Restore is there. */
export async function removeLost(master: SshTarget, volumes: BegunVolumes): Promise<boolean> {
  const { restore, claims, workloads, pods, withheld } = volumes;
  const data = { restore, claims, workloads, pods, withheld };
  const said = await onMaster(master, REMOVE, data, 600_000);
  return z.object({ removed: z.boolean() }).parse(JSON.parse(said)).removed;
}

/** Takes away what stood in the place of pods that were not to come back. */
export async function freeWithheld(master: SshTarget): Promise<void> {
  const nothing = { restore: "", claims: [], workloads: [], pods: [], withheld: [] };
  await onMaster(master, REMOVE, nothing, 120_000);
}

function onMaster(
  master: SshTarget,
  text: string,
  data: unknown,
  timeout: number,
  onLine?: (line: string) => void,
): Promise<string> {
  return mustPython(master, text, data, {
    timeout,
    onLine,
    what: "the lost volumes can't be brought back yet",
    fix: "infra-k3s status; mend it and run this again: it goes on where it stopped",
  });
}
