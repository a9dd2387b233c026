import { appendFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { z } from "zod";
import type { StackName } from "../../config/model.ts";
import { type Finished, run } from "../process/process.ts";
import type { Secrets } from "../secrets/envrc.ts";
import { environmentOf } from "./environment.ts";
import { failure, type Progress, readMessage } from "./messages.ts";
import { isOpened, noteOpened } from "./opened.ts";
import { noteRun } from "./runs.ts";
import { type PlanContents, readIds, readPlan } from "./show.ts";

/**
 * The door to OpenTofu: one stack of a cluster repository. In order: `init`, `plan`, then `apply` of exactly that plan. Every call throws a `UserError` with OpenTofu's own words, or
 * `StateLocked` (messages.ts) that says who holds the lock. No call asks anything or prints; none puts a secret into
 * arguments or logs.
 */
export interface Stack {
  /** The program: `ensureTofu`. */
  tofu: string;
  /** The cluster repository. */
  root: string;
  name: StackName;
  secrets: Secrets;
  logFile: string;
}

export interface StackPlan extends PlanContents {
  /** The encrypted plan that `apply` takes. */
  file: string;
  /** Nothing to change, neither resources nor outputs. */
  empty: boolean;
}

export interface PlanOptions {
  /** A plan that removes everything. */
  destroy?: boolean;
  /** Only these resources and what they need. */
  targets?: readonly string[];
  /** All but these resources and what needs them: for a `destroy` that keeps something. */
  exclude?: readonly string[];
  /** Values that differ from the repository's, nothing secret: `{protect_backups: "false"}`. */
  variables?: Readonly<Record<string, string>>;
}

/** Where the stack's files are. */
export function stackFolder({ root, name }: Pick<Stack, "root" | "name">): string {
  return join(root, "tofu/stacks", name);
}

/** Opens the backend and gets the providers; nothing to do where that was done. */
export async function init(stack: Stack): Promise<void> {
  if (isOpened(stack)) return;
  // -reconfigure: a bucket that was renamed in cluster.yaml is a new place, never a reason to copy state about.
  await tofu(stack, ["init", "-input=false", "-reconfigure", "-no-color"]);
  noteOpened(stack);
}

/** Looks at everything and says what would change. */
export async function plan(stack: Stack, options: PlanOptions = {}): Promise<StackPlan> {
  const folder = join(stack.root, ".infra-k3s/plans");
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const file = join(folder, stack.name);
  const flags = [
    ...(options.destroy === true ? ["-destroy"] : []),
    ...(options.targets ?? []).map((address) => `-target=${address}`),
    ...(options.exclude ?? []).map((address) => `-exclude=${address}`),
    ...Object.entries(options.variables ?? {}).map(([name, value]) => `-var=${name}=${value}`),
  ];
  await tofu(stack, ["plan", "-json", "-input=false", `-out=${file}`, ...flags]);
  const contents = readPlan((await tofu(stack, ["show", "-json", file], { quiet: true })).stdout);
  return { ...contents, file, empty: contents.changes.length === 0 && contents.outputs.length === 0 };
}

/** Does what `plan` said and nothing else: a state that has moved on since is refused by OpenTofu. */
export async function apply(
  stack: Stack,
  { file }: Pick<StackPlan, "file">,
  onProgress: (progress: Progress) => void = () => undefined,
): Promise<void> {
  await tofu(stack, ["apply", "-json", "-input=false", file], { onProgress });
}

const Outputs = z.record(z.string(), z.object({ value: z.unknown(), sensitive: z.boolean() }));

/** The outputs' values of the last apply; sensitive ones too, so never log the result. */
export async function outputs(stack: Stack): Promise<Record<string, unknown>> {
  const { stdout } = await tofu(stack, ["output", "-json"], { quiet: true });
  return Object.fromEntries(
    Object.entries(Outputs.parse(JSON.parse(stdout))).map(([name, { value }]) => [name, value]),
  );
}

/** The providers' ids of all that the state knows. */
export async function stateIds(stack: Stack): Promise<string[]> {
  return readIds((await tofu(stack, ["show", "-json"], { quiet: true })).stdout);
}

/** The addresses of all that the state knows; empty before the first apply. */
export async function stateList(stack: Stack): Promise<string[]> {
  const result = await tofu(stack, ["state", "list"], { quiet: true, orElse: /No state file was found/ });
  return result.exitCode === 0 ? result.stdout.split("\n").filter(Boolean) : [];
}

/** Adopts what exists under `id` as the resource at `address`. */
export async function importResource(stack: Stack, address: string, id: string): Promise<void> {
  await tofu(stack, ["import", "-input=false", "-no-color", address, id]);
}

/** Forgets resources, which stay as they are. */
export async function stateRemove(stack: Stack, addresses: readonly string[]): Promise<void> {
  await tofu(stack, ["state", "rm", ...addresses]);
}

/** Takes away the lock with exactly this id. */
export async function forceUnlock(stack: Stack, id: string): Promise<void> {
  await tofu(stack, ["force-unlock", "-force", id]);
}

/** Then it is asked to end; it finishes what it is at, and writes its state. */
const DEADLINE_MS = 30 * 60_000;

interface Call {
  /** What it prints may hold secrets: nothing is logged. */
  quiet?: boolean;
  onProgress?: (progress: Progress) => void;
  /** A failure that says this is returned. */
  orElse?: RegExp;
}

async function tofu(stack: Stack, args: readonly [string, ...string[]], call: Call = {}): Promise<Finished> {
  const errors: string[] = [];
  let ended: (() => void) | undefined;
  const result = await run({
    argv: [stack.tofu, `-chdir=${stackFolder(stack)}`, ...args],
    cwd: stack.root,
    env: environmentOf(stack.name, stack.secrets, process.env),
    timeout: DEADLINE_MS,
    onStart: (pid) => (ended = noteRun(stack.root, stack.name, pid)),
    onLine: (line) => {
      if (call.quiet !== true) appendFileSync(stack.logFile, `${line}\n`);
      const message = readMessage(line);
      if (message === undefined) return;
      if ("error" in message) errors.push(message.error);
      else call.onProgress?.(message);
    },
  });
  appendFileSync(stack.logFile, result.stderr);
  if (!result.killed) ended?.();
  if (result.exitCode === 0 || call.orElse?.test(result.stderr) === true) return result;
  throw failure(
    `tofu ${args[0]} of the stack ${stack.name} failed`,
    errors.join("\n\n") || plain(result.stderr),
  );
}

/** The text of a failure without colours and frames. */
function plain(text: string): string {
  return stripVTControlCharacters(text)
    .replaceAll(/^[╷│╵] ?/gm, "")
    .trim();
}
