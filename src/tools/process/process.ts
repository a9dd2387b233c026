import { execa, type Options } from "execa";
import { ToolError, UserError } from "../../output/errors.ts";

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
  /** Called for each line of stdout as it comes. */
  onLine?: ((line: string) => void) | undefined;
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
  return Object.fromEntries(
    PASSED_ON.flatMap((name) => {
      const value = process.env[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
}

/** Runs a program to its end, whatever its exit code. Never through a shell. */
export async function run(command: Command): Promise<Finished> {
  const child = start(command, { stdin: command.stdin === undefined ? "ignore" : "pipe" });
  if (child.pid !== undefined) command.onStart?.(child.pid);
  if (command.onLine !== undefined) for await (const line of child.iterable()) command.onLine(String(line));
  const result = await child;
  if (result.code === "ENOENT") throw missing(command.argv[0]);
  return {
    exitCode: result.exitCode ?? 1,
    stdout: String(result.stdout),
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
  const result = await start(command, { stdio: "inherit" });
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
  const child = start(command, { stdin: "ignore" });
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

function start(command: Command, options: Options) {
  const [file, ...args] = command.argv;
  return execa(file, args, {
    ...options,
    ...(command.cwd === undefined ? {} : { cwd: command.cwd }),
    ...(command.timeout === undefined ? {} : { timeout: command.timeout }),
    ...(command.stdin === undefined ? {} : { input: command.stdin }),
    env: { ...baseEnvironment(), ...command.env },
    extendEnv: false,
    reject: false,
    maxBuffer: 64 * 1024 * 1024,
  });
}

function missing(program: string): ToolError {
  return new ToolError({ what: `${program} is not installed`, fix: `install ${program} and run this again` });
}
