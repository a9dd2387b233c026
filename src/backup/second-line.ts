/** Where a generation is called complete, by an object written last: ansible/roles/second_line/files/line.py */
export const COMPLETE = "second/complete/";
/** A copy is looked for every 15 min, and called complete once more after an hour at most where nothing is new: at least one was missed. */
const STALE_SECONDS = 150 * 60;
const DAY = 86_400;

/** One whole copy of what Velero restores from. */
export interface Generation {
  /** When it was begun, as its folder has it: `20261126T120000Z`. */
  name: string;
  /** Everything that was Completed then is in it. RFC 3339. */
  at: string;
  ageSeconds: number;
  /** Until then nobody deletes or overwrites any of it. */
  lockedUntil: string;
}

/** How many days the bucket's lock holds each object of it: tofu/modules/cloudflare-r2 has the same. */
const lockOf = (days: number) => 2 * days + 1;

/** What was ever complete, newest first, of the objects below COMPLETE. */
export function generationsOf(
  objects: readonly { key: string; modified: string }[],
  days: number,
  now: Date,
): Generation[] {
  const newest = new Map<string, number>();
  for (const { key, modified } of objects) {
    const [name = "", file = ""] = key.slice(COMPLETE.length).split("/");
    const [begun, marked] = [secondsOf(name), secondsOf(file.replace(/\.json$/, ""))];
    // Who has the key can write one of any name; when it was written is R2's to say.
    const at = Math.min(marked, Date.parse(modified) / 1000);
    if (!(begun <= at)) continue;
    newest.set(name, Math.max(at, newest.get(name) ?? 0));
  }
  return [...newest]
    .map(([name, at]) => ({
      name,
      at: timeOf(at),
      ageSeconds: Math.max(0, Math.floor(now.getTime() / 1000 - at)),
      lockedUntil: timeOf(secondsOf(name) + lockOf(days) * DAY),
    }))
    .toSorted((a, b) => b.name.localeCompare(a.name));
}

/** `20261126T120000Z` as seconds since 1970; NaN where it is none. */
function secondsOf(stamp: string): number {
  return Date.parse(stamp.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, "$1-$2-$3T$4:$5:$6Z")) / 1000;
}

const timeOf = (seconds: number) => new Date(seconds * 1000).toISOString();

/** `backupsSince`: when the oldest object of Velero's backups was written; undefined: there is none, or nobody asked. */
export function judgeSecondLine(
  [newest]: readonly Generation[],
  days: number,
  now: Date,
  backupsSince: Date | undefined,
): { ok: boolean; reason: string } {
  const fix = "why: infra-k3s ssh MASTER sudo journalctl -u infra-k3s-second-line.service";
  if (newest === undefined) {
    const waits = backupsSince === undefined ? 0 : (now.getTime() - backupsSince.getTime()) / 1000;
    if (waits <= STALE_SECONDS)
      return { ok: true, reason: "Velero has made nothing yet that could be copied" };
    return { ok: false, reason: `there is no complete copy of the volumes' backups; ${fix}` };
  }
  const left = (Date.parse(newest.lockedUntil) - now.getTime()) / 1000;
  if (left < days * DAY)
    return {
      ok: false,
      reason: `the newest complete copy, ${newest.name}, is locked until ${newest.lockedUntil}: less than ${days} days; ${fix}`,
    };
  if (newest.ageSeconds > STALE_SECONDS)
    return {
      ok: false,
      reason: `the newest complete copy is ${Math.floor(newest.ageSeconds / 60)} min old, and is looked at every 15 min; ${fix}`,
    };
  return { ok: true, reason: newest.name };
}
