import { EXIT, UserError } from "../output/errors.ts";
import type { DoneEvent, Emit, HostSummary, StageSummary } from "../output/events.ts";
import { Interrupted, type Interruption, interruption as ours } from "../output/interruption.ts";
import type { Stage, Step } from "./stage.ts";

export interface Selection {
  until?: string | undefined;
  only?: string | undefined;
}

/** The stages a run covers, in order; an unknown name is wrong usage. */
export function select<C>(stages: readonly Stage<C>[], { until, only }: Selection): readonly Stage<C>[] {
  const names = stages.map((stage) => stage.name);
  for (const name of [until, only]) {
    if (name !== undefined && !names.includes(name)) {
      throw new UserError(
        { what: `there is no stage "${name}"`, fix: `stages: ${names.join(", ")}` },
        EXIT.usage,
      );
    }
  }
  if (until !== undefined && only !== undefined) {
    throw new UserError({ what: "--until and --only exclude each other" }, EXIT.usage);
  }
  if (only !== undefined) return stages.filter((stage) => stage.name === only);
  return until === undefined ? stages : stages.slice(0, names.indexOf(until) + 1);
}

/**
 * Applies the stages in order and stops at the first that fails: the rest depend on it.
 * Every stage looks before it says "nothing changed", so a run killed anywhere is simply run again.
 */
export async function runStages<C>(
  stages: readonly Step<C>[],
  context: C,
  emit: Emit,
  now: () => number,
  interruption: Interruption = ours,
): Promise<DoneEvent> {
  const start = now();
  const seconds = (since: number): number => Math.round((now() - since) / 100) / 10;
  const summaries: StageSummary[] = [];
  let ok = true;
  let stopped: string | undefined;
  for (const stage of stages) {
    // Asked to end just as the stage before came to its end.
    if (interruption.reason !== undefined) {
      ok = false;
      break;
    }
    const stageStart = now();
    emit({ event: "stage", stage: stage.name, state: "start", seconds: 0 });
    let hosts: Record<string, HostSummary> = {};
    try {
      hosts = await Promise.race([stage.apply(context, emit), interruption.over]);
      ok = Object.values(hosts).every((host) => host.failed === 0);
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      ok = false;
      if (error instanceof Interrupted) stopped = stage.name;
      else emit({ event: "log", level: "error", message: error.message });
    }
    const changed = Object.values(hosts).reduce((sum, host) => sum + host.changed, 0);
    summaries.push({ name: stage.name, changed, seconds: seconds(stageStart), hosts });
    emit({ event: "stage", stage: stage.name, state: ok ? "done" : "failed", seconds: seconds(stageStart) });
    if (!ok) break;
  }
  const changed = summaries.reduce((sum, stage) => sum + stage.changed, 0);
  const interrupted = !ok && interruption.reason !== undefined;
  if (interrupted) {
    const message = [interruption.reason?.message, standing(stages, summaries, stopped)].join("; ");
    emit({ event: "log", level: "warning", message });
  }
  const done: DoneEvent = {
    event: "done",
    ok,
    changed,
    seconds: seconds(start),
    stages: summaries,
    ...(interrupted ? { interrupted } : {}),
  };
  emit(done);
  return done;
}

/** What an interrupted run has done, what it was at, and what it never came to. */
function standing<C>(
  stages: readonly Step<C>[],
  begun: readonly StageSummary[],
  stopped: string | undefined,
): string {
  const done = begun.map(({ name }) => name).filter((name) => name !== stopped);
  const rest = stages.slice(begun.length).map(({ name }) => name);
  const parts: [string, readonly string[]][] = [
    ["done", done],
    ["stopped in", stopped === undefined ? [] : [stopped]],
    ["not begun", rest],
  ];
  return parts
    .flatMap(([what, names]) => (names.length === 0 ? [] : [`${what}: ${names.join(", ")}`]))
    .join("; ");
}
