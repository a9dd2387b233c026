import type { Fault } from "../output/errors.ts";

interface Saved {
  name: string;
  /** RFC 3339. */
  at: string;
}

/** What a bucket has that a drill could begin with. */
export interface Offered {
  /** Names of backups that have an inventory. */
  inventories: readonly string[];
  /** Of etcd; those of a backup are called after it. */
  snapshots: readonly Saved[];
  /** Velero's; null: the cluster has none. */
  volumes: readonly (Saved & { phase: string })[] | null;
}

/** What a drill restores. */
export interface Chosen {
  backup: string;
  snapshot: Saved;
  /** Null: the cluster has no Velero. */
  volumes: Saved | null;
}

/** The backup that was asked for, `last` being the newest that has everything; or why there is none. */
export function chooseBackup(offered: Offered, of: string): Chosen | Fault {
  const names = of === "last" ? offered.inventories : [of];
  const tried = names.map((name) => partsOf(offered, name));
  const whole = tried.filter((one) => "snapshot" in one);
  const [newest] = whole.toSorted((a, b) => b.snapshot.at.localeCompare(a.snapshot.at));
  if (newest !== undefined) return newest;
  const fix = "infra-k3s backup create, which saves etcd and the volumes with an inventory; then infra-k3s backup list"; // prettier-ignore
  const reasons = tried.map((one) => ("why" in one ? `${one.name}: ${one.why}` : ""));
  const why =
    reasons.length === 0 ? "no backup in the bucket has an inventory" : reasons.slice(-5).join("\n");
  const what =
    of === "last" ? "there is no backup that a drill could restore" : `a drill can't restore ${of}`;
  return { what, why, fix };
}

function partsOf(offered: Offered, name: string): Chosen | { name: string; why: string } {
  if (!offered.inventories.includes(name)) return { name, why: "it has no inventory to be compared with" };
  const snapshots = offered.snapshots.filter((one) => one.name.startsWith(`${name}-`));
  const [snapshot] = snapshots.toSorted((a, b) => b.at.localeCompare(a.at));
  if (snapshot === undefined) return { name, why: "its snapshot of etcd is gone" };
  if (offered.volumes === null) return { backup: name, snapshot, volumes: null };
  const volumes = offered.volumes.find((one) => one.name === name);
  if (volumes?.phase === "Completed") return { backup: name, snapshot, volumes };
  return { name, why: volumes === undefined ? "its backup of the volumes is gone" : `its backup of the volumes is ${volumes.phase}` }; // prettier-ignore
}

/** How much would be lost if all were lost now. */
export interface RecoveryPoint {
  what: "etcd" | "volumes";
  /** The newest good one of its kind; null: there is none. */
  name: string | null;
  ageSeconds: number | null;
}

/** Of each kind the newest good one there is, which need not be of a backup with an inventory. */
export function recoveryPoints({ snapshots, volumes }: Offered, now: number): RecoveryPoint[] {
  const completed = volumes?.filter(({ phase }) => phase === "Completed");
  const point = (what: RecoveryPoint["what"], saved: readonly Saved[]): RecoveryPoint => {
    const [newest] = saved.toSorted((a, b) => b.at.localeCompare(a.at));
    const ageSeconds = newest === undefined ? null : Math.max(0, (now - Date.parse(newest.at)) / 1000);
    return { what, name: newest?.name ?? null, ageSeconds };
  };
  return [point("etcd", snapshots), ...(completed === undefined ? [] : [point("volumes", completed)])];
}

/** The worst of them; null where one kind has none: nobody can say how much would be lost. */
export function worstPoint(points: readonly RecoveryPoint[]): number | null {
  const ages = points.map(({ ageSeconds }) => ageSeconds);
  return ages.some((age) => age === null) || ages.length === 0 ? null : Math.max(...ages.map(Number));
}
