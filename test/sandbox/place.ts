import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, globSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import type { Readable } from "node:stream";
import type { Plan } from "../../sandbox/network/plan.ts";
import { RUN_VARIABLE } from "../../src/tools/process/children.ts";
import { command, type Outcome } from "./harness.ts";

const ROOT = resolve(import.meta.dirname, "../..");

/** A new user's machine, as near as one machine can come: a fresh clone, an empty home, a clean environment. */
const kept = process.argv.find((argument) => argument.startsWith("--keep="))?.slice("--keep=".length);
/** With --keep=DIR it is left standing there, and the next run with the same goes on with it: for who writes a test. */
export const keeps = kept !== undefined;
export const work = kept === undefined ? join(tmpdir(), `infra-k3s-e2e-${process.pid}`) : resolve(kept);
export const clone = join(work, "clone");
export const home = join(work, "home");
/** What is downloaded and built is kept there; with --warm it is the caller's own and saves the builds. */
export const warm = process.argv.includes("--warm");
export const caches = warm
  ? (process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"))
  : join(home, ".cache");
/** Whether an earlier run has left it standing. */
export const stands = existsSync(clone);
export const cluster = join(home, ".local/state/infra-k3s/sandbox/default/cluster");

/** What the launcher may count on: node, npm, git and the shell's tools. */
const PATH = [...new Set([dirname(process.env["npm_node_execpath"] ?? "/usr/bin/node"), "/usr/sbin", "/usr/bin", "/sbin", "/bin"])].join(":"); // prettier-ignore

export async function makeClone(): Promise<void> {
  if (existsSync(clone)) {
    await must(command(["git", "-C", clone, "pull", "--quiet", "--ff-only"]));
    return;
  }
  // Another user may start the launcher, too.
  mkdirSync(work, { mode: 0o755 });
  mkdirSync(home, { mode: 0o700 });
  await must(command(["git", "clone", "--quiet", "--no-hardlinks", ROOT, clone]));
}

interface InfraOptions {
  env?: Record<string, string | undefined>;
  prefix?: readonly string[];
  /** What it reads from stdin; default: nothing. */
  input?: string;
  /** Milliseconds; default: 15 minutes. */
  timeout?: number;
}

/** The launcher of the fresh clone as a user starts it. */
export function infraCommand(args: readonly string[]): { argv: string[]; env: Record<string, string> } {
  const given = ["INFRA_K3S_ARTIFACT_CACHE", "K3S_BINARY"].flatMap((name) => {
    const value = process.env[name];
    return value === undefined ? [] : [[name, value]];
  });
  return {
    argv: [join(clone, "infra-k3s"), ...args],
    env: {
      PATH,
      HOME: home,
      ...(warm ? { XDG_CACHE_HOME: caches } : {}),
      ...Object.fromEntries(given),
    },
  };
}

/** The same, run to its end from outside the clone. */
export function infra(
  args: readonly string[],
  { env = {}, prefix = [], timeout = 900_000, input }: InfraOptions = {},
): Promise<Outcome> {
  const own = infraCommand(args);
  return command([...prefix, ...own.argv], {
    cwd: work,
    clean: true,
    env: { ...own.env, ...env },
    timeout,
    ...(input === undefined ? {} : { input }),
  });
}

/**
 * SIGKILL at a moment to a command and all that it runs, as when the machine's power goes; or to it `alone`, and what it runs
 * goes on without it. Returns the seconds until then.
 */
export async function killed(
  args: readonly string[],
  moment: (stdout: Readable) => Promise<void>,
  prefix: readonly string[] = [],
  alone = false,
): Promise<number> {
  const { argv, env } = infraCommand(args);
  const [file = "", ...rest] = [...prefix, ...argv];
  const start = performance.now();
  const child = spawn(file, rest, { env, cwd: work, detached: true, stdio: ["ignore", "pipe", "ignore"] });
  const ended = once(child, "exit");
  await moment(child.stdout);
  if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, "SIGKILL");
  await ended;
  if (!alone) for (const pid of programs()) process.kill(pid, "SIGKILL");
  return (performance.now() - start) / 1000;
}

/** What runs of ours have started and is still there: each program is in a process group of its own. */
function programs(): number[] {
  return globSync("/proc/[0-9]*/environ").flatMap((file) => {
    try {
      const environment = readFileSync(file, "latin1").split("\0");
      const isOurs = environment.includes(`HOME=${home}`) && environment.some((one) => one.startsWith(`${RUN_VARIABLE}=`)); // prettier-ignore
      return isOurs ? [Number(file.split("/")[2])] : [];
    } catch {
      return [];
    }
  });
}

/** A shell script in a place of the sandbox. */
export function at(place: string, script: string): Promise<Outcome> {
  return infra(["sandbox", "exec", place, "--", "sh", "-c", script]);
}

/** The arguments that run a playbook of the cluster repository with stock Ansible, infra-k3s not being there. */
export function stockAnsible(playbook: string): string[] {
  const script = [
    `cd '${cluster}'`,
    "set -a && . ./.envrc.local",
    "! command -v infra-k3s",
    `set -- ${join(caches, "infra-k3s/tools")}/ansible-*/bin`,
    `exec "$1/python" "$1/ansible-playbook" -i ansible/inventory ansible/playbooks/${playbook}`,
  ].join(" && ");
  return ["sandbox", "exec", "operator", "--", "sh", "-c", script];
}

/** The outcome of something that has to succeed. */
export async function must(outcome: Promise<Outcome>): Promise<Outcome> {
  const result = await outcome;
  if (result.exitCode === 0) return result;
  const lines = result.all.split("\n");
  // Why it failed comes first: where logs are cut, it is still there.
  const error = lines.findLastIndex((line) => /^ *error: /.test(line));
  const why = error === -1 ? [] : [...lines.slice(error), "before that:"];
  const before = error === -1 ? lines : lines.slice(0, error);
  throw new Error(`exit ${result.exitCode}\n${[...why, ...before.slice(-40)].join("\n")}`);
}

/** The sandbox that `up` made. */
export function readPlan(): Plan {
  return JSON.parse(readFileSync(join(cluster, "../sandbox.json"), "utf8")) as Plan;
}

/** The last line of `up --json`: the event `done`. */
export function done({ stdout }: { stdout: string }): {
  ok: boolean;
  changed: number;
  stages: { name: string; changed: number; seconds: number }[];
} {
  return JSON.parse(stdout.trim().split("\n").at(-1) ?? "null") as ReturnType<typeof done>;
}

/** Runs `work` with a file changed, and puts the file back whatever happens. */
export async function withFile<T>(path: string, change: () => void, use: () => Promise<T>): Promise<T> {
  const before = existsSync(path) ? readFileSync(path) : undefined;
  try {
    change();
    return await use();
  } finally {
    if (before !== undefined) writeFileSync(path, before);
  }
}
