import type { Snapshot } from "./snapshot.ts";

/** An upload takes its time, and so does a master that was just started. */
const GRACE_SECONDS = 5 * 60;

/** Older than two intervals: at least one was missed. */
export function staleAfter(everyMinutes: number): number {
  return 2 * everyMinutes * 60 + GRACE_SECONDS;
}

export interface Freshness {
  ok: boolean;
  /** What was seen, and what to do when it is not ok. */
  reason: string;
}

/** `newest`: the newest that is not broken. `clusterSeconds`: how long there has been a master; null: nobody knows. */
export function judge(
  newest: Pick<Snapshot, "name" | "ageSeconds"> | undefined,
  everyMinutes: number,
  clusterSeconds: number | null,
): Freshness {
  const limit = staleAfter(everyMinutes);
  if (newest !== undefined && newest.ageSeconds <= limit) return { ok: true, reason: newest.name };
  if (clusterSeconds !== null && clusterSeconds <= limit)
    return { ok: true, reason: `the first snapshot is due every ${everyMinutes} min; the cluster is new` };
  const fix = "why: infra-k3s backup create; its fault is told there";
  if (newest === undefined) return { ok: false, reason: `there is no good snapshot; ${fix}` };
  const minutes = Math.floor(newest.ageSeconds / 60);
  return {
    ok: false,
    reason: `the newest good snapshot, ${newest.name}, is ${minutes} min old, and one is due every ${everyMinutes} min; ${fix}`,
  };
}
