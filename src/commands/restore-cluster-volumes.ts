import { compareVolumes, type FileDifference } from "../backup-inventory/compare.ts";
import type { Inventory } from "../backup-inventory/inventory.ts";
import { readInventory } from "../backup-inventory/store.ts";
import { takeInventory } from "../backup-inventory/take.ts";
import { type LocalVolume, namespaceOf, planLost } from "../backup/lost.ts";
import { UserError } from "../output/errors.ts";
import type { Emit, HostSummary } from "../output/events.ts";
import { age, size } from "../output/table.ts";
import { type ClusterContext, masterTarget } from "../stages/context.ts";
import type { Bucket } from "../tools/s3/s3.ts";
import type { AgeKey } from "../tools/sops/age.ts";
import { listVolumeBackups, restoreByVelero, type VolumeBackup } from "../tools/velero/velero.ts";
import type { BegunVolumes } from "./restore-begun.ts";
import { findLost, freeWithheld, readSaved, removeLost, waitForVelero } from "./restore-lost.ts";

/** Workloads and their volumes: all else is in the restored database, and newer there. */
const RESOURCES = [
  "persistentvolumes",
  "persistentvolumeclaims",
  "pods",
  "replicasets.apps",
  "deployments.apps",
  "statefulsets.apps",
  "daemonsets.apps",
];

/** What is brought back, and where it is noted how far that is. */
export interface VolumesReturn {
  context: ClusterContext;
  bucket: Bucket;
  /** The recovery key, for the comparison with the inventory; empty: nothing is compared. */
  keys: readonly AgeKey[];
  /** What a run before has begun. */
  begun: BegunVolumes | undefined;
  note: (volumes: BegunVolumes) => void;
}

/**
 * Brings back the volumes that lay on a disk that is gone. Argo CD is at 0 meanwhile. What is on its way is noted first, so
 * that a run after one that was killed goes on with it.
 */
export async function bringVolumesBack(
  wanted: VolumesReturn,
  emit: Emit,
): Promise<Record<string, HostSummary>> {
  const { context, note } = wanted;
  const master = masterTarget(context);
  const progress = (message: string) => emit({ event: "log", level: "info", message });
  const volumes = wanted.begun ?? (await choose(wanted, emit));
  if (volumes === undefined || volumes.isDone) return {};
  note(volumes);
  await waitForVelero(master, volumes, progress);
  if (await removeLost(master, volumes)) progress("what is left of the lost volumes is removed");
  const { restore, backup, claims } = volumes;
  const namespaces = [...new Set(claims.map(({ claim }) => namespaceOf(claim)))];
  const request = { name: restore, backup, namespaces, resources: RESOURCES };
  const { phase, problems, seconds } = await restoreByVelero(master, request, progress);
  await freeWithheld(master);
  if (phase !== "Completed") {
    // The next run does not wait for this one, and begins with what it has left.
    note({ ...volumes, restore: restoreName() });
    throw new UserError({
      what: `Velero did not bring all volumes back from ${backup}: ${phase}`,
      why: problems.join("\n") || "it does not say why",
      fix: "mend it and run this again: these volumes are restored once more; Argo CD waits until then",
    });
  }
  note({ ...volumes, isDone: true });
  progress(`${claims.length} volumes are back from ${backup}, taken ${volumes.at}; ${seconds} s`);
  await compare(wanted, volumes, emit);
  return { volumes: { ok: 0, changed: claims.length, failed: 0 } };
}

const restoreName = () => `after-loss-${Math.floor(Date.now() / 1000)}`;

/** What is lost and where it comes back from, told one by one; undefined where nothing can come back. */
async function choose({ context, bucket }: VolumesReturn, emit: Emit): Promise<BegunVolumes | undefined> {
  const progress = (message: string) => emit({ event: "log", level: "info", message });
  const warn = (message: string) => emit({ event: "log", level: "warning", message });
  const { lost, workloads, unseen } = await findLost(context);
  for (const { claim, node } of unseen)
    warn(`${claim} is on ${node}, which does not answer: nobody can say whether it is still there`);
  if (lost.length === 0) {
    progress("no volume is lost");
    return undefined;
  }
  const backups = context.model.gitops === null ? undefined : await listVolumeBackups(bucket);
  const backup = newestGood(backups ?? []);
  if (backup === undefined) {
    const why = backups === undefined ? "this cluster has no Velero" : "no backup of the volumes is good";
    for (const one of lost) warn(`lost: ${tell(one)}; left as it is: ${why}`);
    warn(LEFT);
    return undefined;
  }
  const { saved, count, pods: listed } = await readSaved(bucket, backup.name);
  const plan = planLost(lost, workloads, saved, listed);
  const old = age(Math.floor((Date.now() - Date.parse(backup.at)) / 1000));
  for (const one of plan.claims)
    warn(`lost: ${tell(one)}; it comes back from ${backup.name}, taken ${backup.at}, ${old} ago`);
  for (const { claim, why } of plan.left) {
    const one = lost.find((volume) => volume.claim === claim);
    warn(`lost: ${one === undefined ? claim : tell(one)}; left as it is: ${why}`);
  }
  if (plan.left.length > 0) warn(LEFT);
  if (plan.claims.length === 0) return undefined;
  const { claims, pods, withheld } = plan;
  const own = plan.workloads.map((one) => ({ ...one, claims: [...one.claims] }));
  const at = { backup: backup.name, at: backup.at, restore: restoreName(), saved: count, isDone: false };
  return { ...at, claims, workloads: own, pods, withheld };
}

const LEFT =
  "pods of a lost volume that is left wait for its folder for ever: to begin empty, delete the claim and its pods";

const tell = ({ claim, volume, node, path }: LocalVolume) =>
  `the volume of the claim ${claim} (${volume}: ${path} on ${node})`;

/** Completed: one that is PartiallyFailed may lack just the volume that is wanted. */
export function newestGood(backups: readonly VolumeBackup[]): VolumeBackup | undefined {
  return backups.find(({ phase }) => phase === "Completed");
}

/** With the recovery key at hand each file that came back is compared with what the backup was made of. */
async function compare({ context, bucket, keys }: VolumesReturn, volumes: BegunVolumes, emit: Emit) {
  if (keys.length === 0) return;
  const { backup } = volumes;
  try {
    const claims = volumes.claims.map(({ claim }) => claim);
    const expected = await readInventory(bucket, backup, keys);
    const { key, commit } = expected.header;
    const namespaces = [...new Set(claims.map(namespaceOf))];
    const found = await takeInventory(context, { backup, commit, key, namespaces });
    const ofClaims = (one: Inventory) => one.volumes.filter(({ name }) => claims.includes(name));
    const saved = ofClaims(expected);
    const { filesCompared, bytesCompared, differing, unsettled } = compareVolumes(saved, ofClaims(found));
    const unknown = claims.filter((claim) => saved.every(({ name }) => name !== claim));
    const message = `compared with ${backup}'s inventory: ${filesCompared} files, ${size(bytesCompared)}; ${differing.length} differ, ${unsettled} were being written when it was made`;
    emit({ event: "log", level: differing.length === 0 ? "info" : "warning", message });
    for (const claim of unknown)
      emit({ event: "log", level: "warning", message: `${claim} is not in the inventory: not compared` });
    for (const one of differing.slice(0, 20))
      emit({ event: "log", level: "warning", message: describe(one) });
  } catch (error) {
    // The volumes are back all the same.
    if (!(error instanceof UserError)) throw error;
    emit({ event: "log", level: "warning", message: `not compared: ${error.message}` });
  }
}

function describe({ volume, path, what, expected, found }: FileDifference): string {
  return `differs: ${volume} ${path}: ${what}: ${expected} -> ${found}; by right where its app has written since`;
}
