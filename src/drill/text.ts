import { age, table } from "../output/table.ts";
import { compared, differenceRows, type DrillResult, visible } from "./result.ts";

/** More than a person reads; all of them are in the JSON. */
const MOST_ROWS = 20;

/** A drill's result for a terminal. */
export function drillText(result: DrillResult): string {
  const { cluster, backup, commit, k3s, began, rpoSeconds, rtoSeconds, steps, leftOut } = result;
  const rows = differenceRows(result);
  const differences = rows
    .slice(0, MOST_ROWS)
    .map(({ where, what, how }) => [visible(where), what, visible(how)]);
  const more = rows.length > MOST_ROWS ? `and ${rows.length - MOST_ROWS} more: --json has all\n` : "";
  const times = steps.map(({ name, startSeconds, seconds, ok, note }) => [
    age(Math.round(startSeconds)),
    age(Math.round(seconds)),
    ok ? "ok" : "FAILED",
    visible(name),
    visible(note),
  ]);
  return [
    `${result.passed ? "PASSED" : "FAILED"}: ${visible(backup)} of ${visible(cluster)}, drilled ${visible(began)}`,
    `K3s ${visible(k3s)}, commit ${visible(commit.slice(0, 7))}`,
    `recovery point ${duration(rpoSeconds)}, recovery time ${duration(rtoSeconds)}`,
    ...compared(result).map(visible),
    ...leftOut.map(({ name, why }) => `not in any backup: ${visible(name)}: ${visible(why)}`),
    "",
    table(["AFTER", "TOOK", "STATE", "STEP", "SEEN"], times).trimEnd(),
    ...(rows.length === 0 ? [] : ["", table(["DIFFERS", "WHAT", "HOW"], differences) + more.trimEnd()]),
    "",
  ].join("\n");
}

function duration(seconds: number | null): string {
  return seconds === null ? "not reached" : age(Math.round(seconds));
}
