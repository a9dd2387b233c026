import type { ChildProcess } from "node:child_process";
import { globSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { type EndingSignal, ENDING, interruption } from "../../output/interruption.ts";
import { beganAt } from "./identity.ts";

/**
 * The programs that run for us, and what a signal means to them. Each has a process group of its own: a terminal's Ctrl-C
 * reaches us alone, and we tell each once, since a second one means "at once" to OpenTofu.
 */
interface Running {
  process: Pick<ChildProcess, "pid" | "kill">;
  /** `told`: ends with us. `own`: whoever started it ends it. `attached`: it has the terminal, and decides. */
  kind: "told" | "own" | "attached";
}

const running = new Set<Running>();

/** Has the program end with us, whatever ends us; returns what is called when it has ended. */
export function follow(process: Running["process"], kind: Running["kind"]): () => void {
  const one = { process, kind };
  running.add(one);
  return () => running.delete(one);
}

/** How long a wait that no program is behind may take to see that it is to end; where programs were told, their results are used, too. */
const ALONE_MS = 200;
const TOLD_MS = 3000;

/** Ends this process in good order at the first signal, and at once at the second. */
export function endOnSignals(say: (text: string) => void): void {
  for (const signal of Object.keys(ENDING) as EndingSignal[]) process.on(signal, () => onSignal(signal, say));
  process.on("exit", () => {
    for (const one of running) kill(one, "SIGKILL");
  });
}

function onSignal(signal: EndingSignal, say: (text: string) => void): void {
  const attached = [...running].filter(({ kind }) => kind === "attached");
  if (attached.length > 0) {
    // The terminal has sent Ctrl-C to it, too.
    if (signal !== "SIGINT") for (const one of attached) kill(one, signal);
    return;
  }
  if (interruption.reason !== undefined) {
    say("ended at once\n");
    process.exit(interruption.reason.exitCode);
  }
  interruption.begin(signal);
  const told = toTell();
  for (const one of told) kill(one, "SIGINT");
  say(
    told.length === 0
      ? "\n"
      : "\ninterrupted: what runs is asked to end in good order; Ctrl-C once more ends it at once\n",
  );
  let idle = 0;
  const watch = setInterval(() => {
    idle = toTell().length === 0 ? idle + 100 : 0;
    if (idle < (told.length === 0 ? ALONE_MS : TOLD_MS)) return;
    clearInterval(watch);
    interruption.end();
  }, 100);
}

const toTell = () => [...running].filter(({ kind }) => kind === "told");

function kill({ process: child, kind }: Running, signal: NodeJS.Signals): void {
  try {
    if (kind === "attached" || child.pid === undefined) child.kill(signal);
    else process.kill(-child.pid, signal);
  } catch {
    // It has ended.
  }
}

/** Every program has this in its environment: what a killed run has left running is found by it. */
export const RUN_VARIABLE = "INFRA_K3S_RUN";
export const runMark = (pid: number, began: string): string => `${pid}.${began}`;

const ORPHANS_MS = 120_000;

/** Ends what a run that is dead has left running: as by Ctrl-C, and by force when that is not heard. */
export async function endOrphans(mark: string): Promise<void> {
  const orphans = orphansOf(mark);
  const tell = (signal: NodeJS.Signals) => {
    for (const { pid, began } of orphans) if (beganAt(pid) === began) process.kill(pid, signal);
  };
  tell("SIGINT");
  const deadline = Date.now() + ORPHANS_MS;
  while (orphans.some(({ pid, began }) => beganAt(pid) === began)) {
    if (Date.now() > deadline) tell("SIGKILL");
    await sleep(100);
  }
}

function orphansOf(mark: string): { pid: number; began: string }[] {
  return globSync("/proc/[0-9]*/environ").flatMap((file) => {
    const pid = Number(file.split("/")[2]);
    const began = beganAt(pid);
    try {
      const isOurs = readFileSync(file, "latin1").split("\0").includes(`${RUN_VARIABLE}=${mark}`);
      return isOurs && began !== undefined ? [{ pid, began }] : [];
    } catch {
      return [];
    }
  });
}
