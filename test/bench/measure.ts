import { execa } from "execa";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { infraCommand, work } from "../sandbox/place.ts";

/** Seconds; CPU is user and system time of the command and all it waited for, on this machine, not in the hosts. */
export interface Sample {
  wall: number;
  cpu: number;
}

/** Runs a command, or stops with what it said. */
export async function timed(
  argv: readonly string[],
  env?: Record<string, string | undefined>,
): Promise<Sample & { stdout: string }> {
  const times = join(work, "times");
  const script = `TIMEFORMAT='%R %U %S'; { time "$@" 2>&4; } 4>&2 2>&3`;
  const { stdout } = await execa("bash", ["-c", script, "bash", ...argv], {
    stdio: ["ignore", "pipe", "pipe", { file: times }],
    ...(env === undefined ? {} : { env, extendEnv: false }),
    cwd: work,
  });
  const [wall = 0, user = 0, system = 0] = readFileSync(times, "utf8").split(" ").map(Number);
  return { wall, cpu: user + system, stdout };
}

/** The launcher, as a user starts it. */
export function timedInfra(...args: string[]): Promise<Sample & { stdout: string }> {
  const { argv, env } = infraCommand(args);
  return timed(argv, env);
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  return sorted.length % 2 === 1
    ? (sorted[Math.floor(middle)] ?? NaN)
    : ((sorted[middle - 1] ?? NaN) + (sorted[middle] ?? NaN)) / 2;
}

/** Median of each, the contestants taking turns so that a slow moment of the machine meets all of them. */
export async function interleaved<Name extends string>(
  rounds: number,
  contestants: Readonly<Record<Name, () => Promise<Sample>>>,
): Promise<Record<Name, Sample>> {
  const names = Object.keys(contestants) as Name[];
  const samples = Object.fromEntries(names.map((name) => [name, [] as Sample[]])) as Record<Name, Sample[]>;
  for (let round = 0; round < rounds; round++) {
    for (const name of names) samples[name].push(await contestants[name]());
  }
  return Object.fromEntries(
    names.map((name) => [
      name,
      {
        wall: median(samples[name].map(({ wall }) => wall)),
        cpu: median(samples[name].map(({ cpu }) => cpu)),
      },
    ]),
  ) as Record<Name, Sample>;
}
