import { execa, type Options } from "execa";
import { ToolError, UserError } from "../../output/errors.ts";
import { interruption } from "../../output/interruption.ts";
import { follow, RUN_VARIABLE, runMark } from "./children.ts";
import { beganAt } from "./identity.ts";
import { trace } from "./trace.ts";

export interface Command {
  argv: readonly [string, ...string[]];
  cwd?: string | undefined;
  /** Added to the few variables every child gets; a child never inherits the whole environment. */
  env?: Readonly<Record<string, string>> | undefined;
  stdin?: string | undefined;
  /** Milliseconds. */
  timeout?: number | undefined;
  /** Called with the process's number once it runs. */
  onStart?: ((pid: number) => void) | undefined;
  /** Called for each line of stdout as it comes; `"enough"` ends the program. */
  onLine?: ((line: string) => "enough" | void) | undefined;
  /** Its stdout goes to `onLine` alone, however long it is. */
  linesOnly?: boolean | undefined;
}

export interface Finished {
  exitCode: number;
  stdout: string;
  stderr: string;
  timedOut: boolean;
  /** A signal ended it. */
  killed: boolean;
}

/** Variables that say who and where the user is, without which ordinary programs fail; none is a secret. */
const PASSED_ON = [
  "PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "TERM", "TMPDIR", "TZ", "SSH_AUTH_SOCK", "SSL_CERT_FILE",
  "SSL_CERT_DIR", "XDG_RUNTIME_DIR", "XDG_CACHE_HOME", "http_proxy", "https_proxy", "no_proxy",
]; // prettier-ignore

export function baseEnvironment(): Record<string, string> {
  return Object.fromEntries([
    ...PASSED_ON.flatMap((name) => {
      const value = process.env[name];
      return value === undefined ? [] : [[name, value] as const];
    }),
    [RUN_VARIABLE, runMark(process.pid, beganAt(process.pid) ?? "")],
  ]);
}

/** Runs a program to its end, whatever its exit code. Never through a shell; never after the run was interrupted. */
export async function run(command: Command): Promise<Finished> {
  interruption.signal.throwIfAborted();
  const child = start(command, { stdin: command.stdin === undefined ? "ignore" : "pipe" }, "told");
  if (child.pid !== undefined) command.onStart?.(child.pid);
  if (command.onLine !== undefined) {
    for await (const line of child.iterable()) if (command.onLine(String(line)) === "enough") child.kill();
  }
  const result = await child;
  if (result.code === "ENOENT") throw missing(command.argv[0]);
  // What it says of its end is about the interruption.
  if (result.exitCode !== 0) interruption.signal.throwIfAborted();
  return {
    exitCode: result.exitCode ?? 1,
    stdout: String(result.stdout ?? ""),
    stderr: String(result.stderr),
    timedOut: result.timedOut,
    killed: result.isTerminated,
  };
}

/** As `run`, but a failure is an error that carries what the program said. */
export async function runOrFail(command: Command, what: string): Promise<string> {
  const result = await run(command);
  if (result.exitCode === 0) return result.stdout;
  const said = (result.stderr.trim() || result.stdout.trim()).split("\n").slice(-20).join("\n");
  const why = result.timedOut ? `no end after ${(command.timeout ?? 0) / 1000} s\n${said}` : said;
  throw new UserError({ what, why: why || `${command.argv[0]} exited with ${result.exitCode}` });
}

/** Runs a program on this terminal and returns its exit code. */
export async function runAttached(command: Omit<Command, "stdin" | "onLine" | "onStart">): Promise<number> {
  const result = await start(command, { stdio: "inherit" }, "attached");
  if (result.code === "ENOENT") throw missing(command.argv[0]);
  return result.exitCode ?? (result.isTerminated ? 130 : 1);
}

/** A program that runs beside us until stopped. */
export interface Background {
  ended(): boolean;
  stderr(): string;
  stop(): Promise<void>;
}

export function background(command: Omit<Command, "stdin" | "onLine" | "onStart">): Background {
  const child = start(command, { stdin: "ignore" }, "own");
  let said = "";
  let over = false;
  child.stderr?.on("data", (chunk: Buffer) => (said += chunk.toString()));
  const end = child.then(() => (over = true));
  return {
    ended: () => over,
    stderr: () => said.trim(),
    stop: async () => {
      child.kill();
      await end;
    },
  };
}

/** A program that says line by line what it does, and goes on until its standard input ends. */
export interface Dialogue extends Background {
  /** The next line of its stdout; undefined when there is none any more. */
  line(): Promise<string | undefined>;
  /** Ends its standard input. */
  hangUp(): void;
}

/** Ctrl-C is for us, who tell it when to end. Should we be killed, its standard input ends, too. */
export function dialogue(
  command: Omit<Command, "stdin" | "onLine" | "onStart" | "timeout">,
  opening: string,
): Dialogue {
  const child = start(command, { stdin: "pipe" }, "own");
  let said = "";
  let over = false;
  child.stderr?.on("data", (chunk: Buffer) => (said += chunk.toString()));
  child.stdin?.on("error", () => undefined);
  child.stdin?.write(opening);
  const lines = child.iterable()[Symbol.asyncIterator]();
  const end = child.then(() => (over = true));
  return {
    ended: () => over,
    stderr: () => said.trim(),
    line: async () => {
      const next = await lines.next();
      return next.done === true ? undefined : String(next.value);
    },
    hangUp: () => void child.stdin?.end(),
    stop: async () => {
      child.kill();
      await end;
    },
  };
}

function start(command: Command, options: Options, kind: "told" | "own" | "attached") {
  const [file, ...args] = command.argv;
  const ended = trace(command);
  const child = execa(file, args, {
    ...options,
    detached: kind !== "attached",
    ...(command.cwd === undefined ? {} : { cwd: command.cwd }),
    ...(command.timeout === undefined ? {} : { timeout: command.timeout }),
    ...(command.stdin === undefined ? {} : { input: command.stdin }),
    ...(command.linesOnly === true ? { buffer: { stdout: false } } : {}),
    env: { ...baseEnvironment(), ...command.env },
    extendEnv: false,
    reject: false,
    maxBuffer: 64 * 1024 * 1024,
  });
  const forget = follow(child, kind);
  const noteEnd = async () => {
    const { exitCode, signal } = await child;
    forget();
    ended(exitCode ?? signal ?? "not started");
  };
  void noteEnd();
  return child;
}

function missing(program: string): ToolError {
  return new ToolError({ what: `${program} is not installed`, fix: `install ${program} and run this again` });
}
