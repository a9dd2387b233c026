import { judge } from "../backup/freshness.ts";
import { type Generation, judgeSecondLine } from "../backup/second-line.ts";
import { secondLineDays } from "../config/second-line.ts";
import { UserError } from "../output/errors.ts";
import { age } from "../output/table.ts";
import { type Bucket, listObjects } from "../tools/s3/s3.ts";
import { VELERO_FOLDER } from "../tools/velero/bucket.ts";
import { listSnapshots, newestWhole, openBackups } from "./backup-place.ts";
import { listGenerations } from "./backup-second.ts";
import type { Cluster } from "./cluster.ts";

/** What `status` says of what is saved outside of the cluster; each kind of backup is a field. */
export interface BackupsStatus {
  /** Null where cluster.yaml has no place for them. */
  etcd: EtcdBackups | null;
  /** Null where nothing is locked, or there are no volumes' backups. */
  second: SecondLine | null;
}

/** The copy of the volumes' backups that no key of the cluster deletes. */
export interface SecondLine {
  ok: boolean;
  /** Those that were ever complete, newest first. */
  generations: Generation[];
  /** For so many days at least it can't be deleted. */
  days: number;
  /** Why it is not ok. */
  reason: string;
}

export interface EtcdBackups {
  ok: boolean;
  bucket: string;
  /** The newest snapshot that is neither empty nor cut off; its bytes are read by `backup verify` alone. */
  newest: { name: string; at: string; ageSeconds: number; bytes: number } | null;
  everyMinutes: number;
  /** Why it is not ok. */
  reason: string;
}

/** Asks R2, not the cluster. `clusterSeconds`: how long there has been a master; null: nobody knows. */
export async function lookAtBackups(
  cluster: Cluster,
): Promise<(clusterSeconds: number | null) => BackupsStatus> {
  const { cloudflare, snapshots } = cluster.model;
  if (cloudflare === null) return () => ({ etcd: null, second: null });
  const { everyMinutes } = snapshots;
  const about = { bucket: cloudflare.backupBucket, everyMinutes };
  const days = secondLineDays(cluster.model);
  try {
    const bucket = await openBackups(cluster);
    const [newest = null, second] = await Promise.all([
      listSnapshots(bucket).then((all) => newestWhole(bucket, all)),
      days === 0 ? null : lookAtSecondLine(bucket, days),
    ]);
    return (seconds) => ({
      etcd: { ...about, newest, ...judge(newest ?? undefined, everyMinutes, seconds) },
      second,
    });
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    const { what, why } = error.fault;
    const reason = `the bucket can't be looked at: ${what}${why === undefined ? "" : `: ${why.split("\n")[0]}`}`;
    const second = days === 0 ? null : { ok: false, generations: [], days, reason };
    return () => ({ etcd: { ...about, newest: null, ok: false, reason }, second });
  }
}

async function lookAtSecondLine(bucket: Bucket, days: number): Promise<SecondLine> {
  const generations = await listGenerations(bucket, days);
  // Only where nothing was copied yet it matters whether there is anything to copy.
  const first = generations.length > 0 ? [] : await listObjects(bucket, `${VELERO_FOLDER}/backups/`);
  const since = first.map(({ modified }) => modified).toSorted()[0];
  const oldest = since === undefined ? undefined : new Date(since);
  return { generations, days, ...judgeSecondLine(generations, days, new Date(), oldest) };
}

export function describeBackups({ etcd, second }: BackupsStatus): string {
  if (etcd === null) return "";
  const { ok, newest, reason, bucket } = etcd;
  const seen =
    newest === null ? reason : `${newest.name}, ${age(newest.ageSeconds)} old, in the bucket ${bucket}`;
  return `\netcd in R2: ${ok ? seen : `NOT SAVED: ${reason}`}\n${second === null ? "" : describeSecond(second)}`;
}

function describeSecond({ ok, generations: [newest], reason }: SecondLine): string {
  const seen =
    newest === undefined
      ? reason
      : `whole ${age(newest.ageSeconds)} ago, nobody deletes it before ${newest.lockedUntil.slice(0, 10)}`;
  return `second line of the volumes: ${ok ? seen : `NOT SAFE: ${reason}`}\n`;
}
