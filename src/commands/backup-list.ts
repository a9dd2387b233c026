import { listInventories } from "../backup-inventory/store.ts";
import { isName, type Snapshot } from "../backup/snapshot.ts";
import type { SavedVolume } from "../backup/volume-backup.ts";
import { EXIT, type ExitCode } from "../output/errors.ts";
import type { Io } from "../output/io.ts";
import { age, size, table } from "../output/table.ts";
import type { Bucket } from "../tools/s3/s3.ts";
import { listVolumeBackups, readVolumeBackup, type VolumeBackup } from "../tools/velero/velero.ts";
import { volumesOf } from "./backup-volumes.ts";
import { listSnapshots, noSuchSnapshot, openBackups, readSnapshot, readSnapshots } from "./backup-place.ts";
import { type ClusterOption, openCluster } from "./cluster.ts";

export interface BackupListOptions extends ClusterOption {
  json: boolean;
  /** So many of the newest; 0: all. */
  limit: number;
}

/** The shape of `backup list --json`. */
export interface BackupList {
  bucket: string;
  /** How many there are; `snapshots` may be fewer. */
  total: number;
  /** Newest first. */
  snapshots: Snapshot[];
  /** Of the volumes, newest first. */
  volumes: ListedVolumes[];
}

export interface ListedVolumes extends VolumeBackup {
  ageSeconds: number;
  /** There is an inventory of what it must bring back. */
  inventory: boolean;
}

function listed(backup: VolumeBackup, inventories: readonly string[]): ListedVolumes {
  const ageSeconds = Math.max(0, Math.floor((Date.now() - Date.parse(backup.at)) / 1000));
  return { ...backup, ageSeconds, inventory: inventories.includes(backup.name) };
}

/** Reads the bucket, so that it works without a master. */
export async function runBackupList(
  { json, limit, ...options }: BackupListOptions,
  io: Io,
): Promise<ExitCode> {
  const bucket = await openBackups(openCluster(options));
  const all = await listSnapshots(bucket);
  const inventories = await listInventories(bucket);
  const volumes = (await listVolumeBackups(bucket)).map((one) => listed(one, inventories));
  const names = (limit === 0 ? all : all.slice(0, limit)).map(({ name }) => name);
  const list: BackupList = {
    bucket: bucket.name,
    total: all.length,
    snapshots: await readSnapshots(bucket, names),
    volumes: limit === 0 ? volumes : volumes.slice(0, limit),
  };
  io.out(json ? `${JSON.stringify(list)}\n` : describe(list));
  return EXIT.ok;
}

function describe(list: BackupList): string {
  return describeSnapshots(list) + describeVolumes(list);
}

function describeVolumes({ volumes }: BackupList): string {
  if (volumes.length === 0) return "";
  const rows = volumes.map(({ name, at, ageSeconds, phase, errors, warnings, expires, inventory }) => [
    name,
    at,
    age(ageSeconds),
    phase,
    `${errors} errors, ${warnings} warnings`,
    expires ?? "never",
    inventory ? "yes" : "",
  ]);
  return `\n${table(["OF THE VOLUMES", "BEGUN", "AGE", "PHASE", "TOLD", "KEPT UNTIL", "INVENTORY"], rows)}`;
}

function describeSnapshots({ bucket, total, snapshots }: BackupList): string {
  if (total === 0) return `no snapshot in the bucket ${bucket} yet\n`;
  const rows = snapshots.map(({ name, at, ageSeconds, bytes, node, k3s, tokenId }) => [
    name,
    at,
    age(ageSeconds),
    size(bytes),
    node ?? "",
    k3s ?? "",
    tokenId ?? "",
  ]);
  const more = total - snapshots.length;
  return (
    table(["SNAPSHOT", "TAKEN", "AGE", "SIZE", "NODE", "K3S", "TOKEN"], rows) +
    (more > 0 ? `and ${more} older ones in the bucket ${bucket}: --limit 0\n` : "")
  );
}

export interface BackupShowOptions extends ClusterOption {
  name: string;
  json: boolean;
}

/** The shape of `backup show --json`. */
export interface BackupShow extends Snapshot {
  bucket: string;
  /** Until when nobody can delete it; null: the bucket has no lock. */
  lockedUntil: string | null;
}

export async function runBackupShow(options: BackupShowOptions, io: Io): Promise<ExitCode> {
  const cluster = openCluster(options);
  const bucket = await openBackups(cluster);
  const ofVolumes = await readVolumeBackup(bucket, options.name);
  if (ofVolumes !== undefined) return showVolumes(bucket, ofVolumes, options.json, io);
  const snapshot = isName(options.name) ? await readSnapshot(bucket, options.name) : undefined;
  if (snapshot === undefined) throw noSuchSnapshot(bucket, options.name, await listSnapshots(bucket));
  const days = cluster.model.cloudflare?.backupLockDays ?? 0;
  const lockedUntil = days === 0 ? null : new Date(Date.parse(snapshot.at) + days * 86_400_000).toISOString();
  const shown: BackupShow = { ...snapshot, bucket: bucket.name, lockedUntil };
  if (options.json) io.out(`${JSON.stringify(shown)}\n`);
  else {
    const { name, at, ageSeconds, bytes, node, k3s, tokenId } = snapshot;
    const rows = [
      ["taken", `${at}, ${age(ageSeconds)} ago`],
      ["size", size(bytes)],
      ["node", node ?? "nobody says"],
      ["K3s", k3s ?? "nobody says"],
      ["token", tokenId ?? "nobody says"],
      ["locked until", lockedUntil ?? "not locked"],
    ];
    io.out(table([name, `in the bucket ${bucket.name}`], rows));
  }
  return EXIT.ok;
}

/** The shape of `backup show --json` of a backup of the volumes. */
export interface VolumesShow extends ListedVolumes {
  bucket: string;
  volumes: SavedVolume[];
}

async function showVolumes(bucket: Bucket, backup: VolumeBackup, json: boolean, io: Io): Promise<ExitCode> {
  const shown: VolumesShow = {
    ...listed(backup, await listInventories(bucket)),
    bucket: bucket.name,
    volumes: await volumesOf(bucket, backup.name),
  };
  if (json) io.out(`${JSON.stringify(shown)}\n`);
  else {
    const { name, at, ageSeconds, phase, errors, warnings, expires, inventory, volumes } = shown;
    const rows = [
      ["begun", `${at}, ${age(ageSeconds)} ago`],
      ["phase", `${phase}, ${errors} errors, ${warnings} warnings`],
      ["kept until", expires ?? "somebody deletes it"],
      ["inventory", inventory ? "yes" : "none"],
      ...volumes.map((volume) => [
        volume.name,
        `${volume.phase}${volume.snapshot === "" ? ", nothing saved" : ""}`,
      ]),
    ];
    io.out(table([name, `in the bucket ${bucket.name}`], rows));
  }
  return EXIT.ok;
}
