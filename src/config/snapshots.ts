import type { RuleFault } from "./rule.ts";
import type { RawCluster } from "./schema.ts";

const DAY = 24 * 60;
/** Between two snapshots. */
export const DEFAULT_MINUTES = 15;
/** Without a longer lock snapshots of so many days are kept. */
const LEAST_DAYS = 7;

/**
 * How many of etcd's snapshots stay in R2: a day's more than the lock holds. K3s prunes from the youngest that is too many,
 * and ends where one can't be deleted: with fewer it would never delete any.
 */
export function snapshotsKept(cluster: Pick<RawCluster, "backups">): number {
  const lockDays = cluster.backups?.lockDays ?? LEAST_DAYS;
  return ((Math.max(lockDays, LEAST_DAYS) + 1) * DAY) / snapshotMinutes(cluster);
}

export function snapshotMinutes({ backups }: Pick<RawCluster, "backups">): number {
  return backups?.snapshots.everyMinutes ?? DEFAULT_MINUTES;
}

/** The schedule as cron has it. */
export function snapshotCron(everyMinutes: number): string {
  if (everyMinutes < 60) return `*/${everyMinutes} * * * *`;
  return everyMinutes === DAY ? "0 0 * * *" : `0 */${everyMinutes / 60} * * *`;
}

/** With each snapshot K3s asks R2 for every one that is there, one after the other: beyond this it takes minutes. */
const MOST_SNAPSHOTS = 4000;

export function countableSnapshots(cluster: RawCluster): RuleFault[] {
  const count = snapshotsKept(cluster);
  if (count <= MOST_SNAPSHOTS) return [];
  return [
    {
      at: ["backups"],
      where: "key",
      code: "too-many-snapshots",
      message: `${count} snapshots of etcd would lie in the bucket, and K3s looks at each of them each time`,
      suggestion: `fewer \`lockDays\`, or \`snapshots: { everyMinutes: 60 }\`: at most ${MOST_SNAPSHOTS}`,
    },
  ];
}
