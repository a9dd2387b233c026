import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { isName, SCHEDULED, type Snapshot } from "../backup/snapshot.ts";
import { settleInventories } from "../backup-inventory/settle.ts";
import { saveInventory } from "../backup-inventory/store.ts";
import { takeInventory } from "../backup-inventory/take.ts";
import { hasVelero } from "../config/model.ts";
import { EXIT, type ExitCode, UserError } from "../output/errors.ts";
import type { Io } from "../output/io.ts";
import { size, table } from "../output/table.ts";
import { drillRecipient, recoveryRecipient } from "../recovery-kit/recipient.ts";
import { masterTarget } from "../stages/context.ts";
import { headCommit } from "../tools/git/git.ts";
import type { Bucket } from "../tools/s3/s3.ts";
import { runPython } from "../tools/ssh/python.ts";
import { type SshTarget, sshVerdict } from "../tools/ssh/ssh.ts";
import { backupByVelero, type VeleroOutcome } from "../tools/velero/velero.ts";
import { openBackups, readSnapshot } from "./backup-place.ts";
import { type Cluster, type ClusterOption, openCluster } from "./cluster.ts";
import { readRules } from "./secrets-place.ts";

export interface BackupCreateOptions extends ClusterOption {
  name: string;
  json: boolean;
}

/** The shape of `backup create --json`: the snapshot of etcd, and what was saved beside it. */
export interface BackupCreate extends Snapshot {
  bucket: string;
  /** What the snapshot's name begins with, Velero's backup is called, and the inventory is found by. */
  backup: string;
  /** Null: the cluster has no Velero. */
  volumes: (VeleroOutcome & { name: string }) | null;
  /** What both must bring back; null where there is nobody to encrypt it to. */
  inventory: { key: string; objects: number; volumes: number; files: number } | null;
}

const PROGRAM = readFileSync(join(import.meta.dirname, "backup-create.py"), "utf8");
const TakenSchema = z.object({ name: z.string(), bytes: z.number(), fault: z.string() });
/** Of those with one name on the master; in R2 they stay until somebody deletes them. */
const KEPT_HERE = 8;

/** Saves etcd and the volumes now, with an inventory of what both must bring back, and ends when all of it was seen in R2. */
export async function runBackupCreate(options: BackupCreateOptions, io: Io): Promise<ExitCode> {
  refuseName(options.name);
  const cluster = openCluster(options);
  const bucket = await openBackups(cluster);
  const progress = (line: string) => io.err(`${line}\n`);
  const created = await createBackup(cluster, bucket, options.name, progress);
  io.out(options.json ? `${JSON.stringify(created)}\n` : describe(created));
  return created.volumes === null || created.volumes.phase === "Completed" ? EXIT.ok : EXIT.failed;
}

/** One look before, one after: what both saw alike must come back, and what was written between them is in motion. */
async function createBackup(
  cluster: Cluster,
  bucket: Bucket,
  name: string,
  progress: (line: string) => void,
): Promise<BackupCreate> {
  const backup = `${name}-${stamp(new Date())}`;
  const recipients = inventoryRecipients(cluster.root);
  if (typeof recipients === "string") progress(`no inventory is taken: ${recipients}`);
  const commit = (await headCommit(cluster.root)) ?? "";
  const look = (line: string, key?: string) => {
    if (typeof recipients === "string") return Promise.resolve(undefined);
    progress(line);
    return takeInventory(cluster, { backup, commit, key });
  };
  const before = await look("reading every object and every file of every volume, for the inventory");
  const master = masterTarget(cluster);
  const [snapshot, volumes] = await together(
    takeSnapshot(master, bucket, backup, progress, name),
    hasVelero(cluster.model) ? backupByVelero(master, backup, progress) : Promise.resolve(null),
  );
  const after = await look("reading them once more", before?.header.key);
  let inventory: BackupCreate["inventory"] = null;
  if (typeof recipients !== "string" && before !== undefined && after !== undefined) {
    const settled = settleInventories(before, after);
    const key = await saveInventory(bucket, recipients, settled);
    const files = settled.volumes.flatMap(({ entries }) => entries).filter(({ type }) => type === "file");
    inventory = {
      key,
      objects: settled.objects.length,
      volumes: settled.volumes.length,
      files: files.length,
    };
  }
  const named = volumes === null ? null : { name: backup, ...volumes };
  return { ...snapshot, bucket: bucket.name, backup, volumes: named, inventory };
}

/** Both to their ends, also where the first fails: the second would go on behind its back. */
async function together<A, B>(first: Promise<A>, second: Promise<B>): Promise<[A, B]> {
  await Promise.allSettled([first, second]);
  return Promise.all([first, second]);
}

/** `20261127101530`: K3s, Velero and R2 all take it in a name. */
function stamp(now: Date): string {
  return now.toISOString().replaceAll(/\D/g, "").slice(0, 14);
}

/** Who opens an inventory: the operator's recovery key, which reads it on the day of a loss, and who drills; or why there is nobody. */
export function inventoryRecipients(root: string): string[] | string {
  const rules = readRules(root);
  const recovery = recoveryRecipient(rules);
  const drill = drillRecipient(rules);
  return typeof recovery === "string"
    ? [recovery, ...(drill === undefined ? [] : [drill])]
    : `${recovery.what}: ${recovery.fix ?? recovery.why ?? ""}`;
}

function describe({ name, bytes, bucket, tokenId, backup, volumes, inventory }: BackupCreate): string {
  const rows = [["etcd", `${name}: ${size(bytes)}; token ${tokenId ?? "unknown"}`]];
  if (volumes !== null) {
    const { phase, warnings, seconds, problems } = volumes;
    rows.push(["volumes", `${phase} in ${seconds} s, ${warnings} warnings`]);
    rows.push(...problems.map((problem) => ["", problem]));
  }
  if (inventory !== null) {
    const { objects, files, volumes: count } = inventory;
    rows.push(["inventory", `${objects} objects, ${files} files of ${count} volumes`]);
  }
  return table([backup, `in the bucket ${bucket}`], rows);
}

/** K3s counts and prunes by what names begin with: one like its own would be pruned with them. */
function refuseName(name: string): void {
  const isVeleros = /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/.test(name);
  if (isName(name) && isVeleros && name.length <= 40 && !name.startsWith(SCHEDULED)) return;
  throw new UserError(
    {
      what: `a backup can't be called ${JSON.stringify(name)}`,
      why: name.startsWith(SCHEDULED)
        ? "names that begin so are K3s's own, which it deletes by the clock"
        : "a name is at most 40 small letters, digits, '.' and '-', of which the last two are not at its ends: K3s and Velero both take it",
      fix: "for example --name before-upgrade; the time is added",
    },
    EXIT.usage,
  );
}

export async function takeSnapshot(
  master: SshTarget,
  bucket: Bucket,
  name: string,
  progress: (line: string) => void,
  /** What the names of its kind begin with: of those 8 stay on the master. */
  prefix: string = name,
): Promise<Snapshot> {
  progress("K3s takes a snapshot of etcd and uploads it");
  const data = { name, prefix, keep: KEPT_HERE };
  const { exitCode, stdout, stderr } = await runPython(master, PROGRAM, data, { timeout: 600_000 });
  if (exitCode !== 0) {
    const { why, fix } = sshVerdict(stderr, master);
    throw new UserError({ what: "no snapshot was taken: the master can't be asked", why, fix });
  }
  const taken = TakenSchema.parse(JSON.parse(stdout));
  if (taken.name === "") {
    throw new UserError({
      what: "K3s took no snapshot",
      why: taken.fault,
      fix: "infra-k3s status; the bucket's key comes to the master with infra-k3s up",
    });
  }
  const seen = await seenIn(bucket, taken);
  if (seen !== undefined) return seen;
  throw new UserError({
    what: `${taken.name} is on the master, but not whole in the bucket ${bucket.name}`,
    why:
      taken.fault ||
      "K3s does not say why; it may not have the bucket's key: infra-k3s ssh to the master, journalctl -u k3s | grep -i s3",
    fix: "infra-k3s up, which writes the key anew; then infra-k3s backup create",
  });
}

/** K3s has uploaded it by now, or won't: R2 shows what was written at once. */
async function seenIn(bucket: Bucket, { name, bytes }: { name: string; bytes: number }) {
  for (let attempt = 0; attempt < 5; attempt++) {
    const seen = await readSnapshot(bucket, name);
    if (seen?.bytes === bytes) return seen;
    await sleep(1000);
  }
  return undefined;
}
