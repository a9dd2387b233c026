import { existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import type { DrillResult } from "../drill/result.ts";
import { age } from "../output/table.ts";
import { writeAtomically } from "../repository/write.ts";

/** Where a cluster repository keeps its drills' results, which git does not. */
const FOLDER = ".infra-k3s/drills";
/** A month, and some days for who is late. */
const STALE_SECONDS = 35 * 86_400;

/** `backups.drill` of `status --json`. */
export interface DrillStatus {
  ok: boolean;
  backup: string;
  at: string;
  ageSeconds: number;
  passed: boolean;
  rpoSeconds: number | null;
  rtoSeconds: number | null;
  /** Why it is not ok. */
  reason: string;
}

const KeptSchema = z.object({
  passed: z.boolean(),
  backup: z.string(),
  began: z.string(),
  rpoSeconds: z.number().nullable(),
  rtoSeconds: z.number().nullable(),
});

export function keepDrill(root: string, result: DrillResult): string {
  const folder = join(root, FOLDER);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const file = join(folder, `${result.began.replaceAll(/[:.]/g, "-")}.json`);
  writeAtomically(file, `${JSON.stringify(result)}\n`, 0o600);
  return file;
}

/** The last drill that was done from this repository; null: there was none. */
export function lastDrill(root: string, now: number): DrillStatus | null {
  const folder = join(root, FOLDER);
  const files = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith(".json")) : [];
  const [newest] = files.flatMap((name) => readKept(join(folder, name))).toSorted((a, b) => b.began.localeCompare(a.began)); // prettier-ignore
  if (newest === undefined) return null;
  const { began, backup, passed, rpoSeconds, rtoSeconds } = newest;
  const ageSeconds = Math.max(0, Math.floor((now - Date.parse(began)) / 1000));
  const isStale = ageSeconds > STALE_SECONDS;
  const reason = !passed
    ? "it failed: infra-k3s drill"
    : isStale
      ? `it is ${age(ageSeconds)} old, and one is due every ${STALE_SECONDS / 86_400} days: infra-k3s drill`
      : "";
  return { ok: reason === "", backup, at: began, ageSeconds, passed, rpoSeconds, rtoSeconds, reason };
}

function readKept(file: string): z.output<typeof KeptSchema>[] {
  try {
    return [KeptSchema.parse(JSON.parse(readFileSync(file, "utf8")))];
  } catch {
    // Written by hand, or by another release.
    return [];
  }
}

export function describeDrill(drill: DrillStatus | null): string {
  if (drill === null) return "\nlast drill: none from here yet; infra-k3s drill\n";
  const { ok, backup, ageSeconds, rpoSeconds, rtoSeconds, reason } = drill;
  const measured = `${backup}, ${age(ageSeconds)} ago: recovery point ${duration(rpoSeconds)}, recovery time ${duration(rtoSeconds)}`;
  return `\nlast drill: ${measured}${ok ? "" : `; NOT OK: ${reason}`}\n`;
}

function duration(seconds: number | null): string {
  return seconds === null ? "not reached" : age(Math.round(seconds));
}
