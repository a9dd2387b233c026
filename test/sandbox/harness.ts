import assert from "node:assert/strict";
import { execa } from "execa";
import { setTimeout as sleep } from "node:timers/promises";

/** One thing the sandbox shows. Cases run in order on the same sandbox; a failed one does not stop the next. */
export interface Case {
  name: string;
  run: () => Promise<void>;
  /** Only in `npm run test:full`: CI has no time for it, and sees the nearest quicker one. */
  full?: true;
}

export interface Outcome {
  exitCode: number;
  stdout: string;
  stderr: string;
  all: string;
}

/** Runs a program and returns what it said, whatever its exit code. */
export async function command(
  argv: readonly string[],
  options: {
    cwd?: string;
    env?: Record<string, string | undefined>;
    clean?: boolean;
    input?: string;
    timeout?: number;
  } = {},
): Promise<Outcome> {
  const [file = "", ...args] = argv;
  const result = await execa(file, args, {
    reject: false,
    all: true,
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    env: options.env ?? {},
    extendEnv: options.clean !== true,
    ...(options.input === undefined ? { stdin: "ignore" } : { input: options.input }),
    timeout: options.timeout ?? 900_000,
  });
  return {
    exitCode: result.exitCode ?? (result.timedOut ? 124 : 137),
    stdout: result.stdout ?? "",
    stderr: result.stderr ?? "",
    all: result.all ?? "",
  };
}

/** Waits until `look` is true; fails with what it saw last. */
export async function eventually<T>(
  what: string,
  look: () => Promise<T>,
  isThere: (seen: T) => boolean = Boolean,
  seconds = 180,
): Promise<T> {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    const seen = await look();
    if (isThere(seen)) return seen;
    assert.ok(Date.now() < end, `${what} did not come within ${seconds} s: ${JSON.stringify(seen)}`);
    await sleep(1000);
  }
}

/**
 * Runs cases within the deadline and prints one line for each; what has not run by then has failed, by name, and so has
 * everything when the first, which makes what they all look at, has failed.
 */
export class Runner {
  passed = 0;
  /** What was printed of each. */
  readonly failures: string[] = [];
  readonly #end: number;

  constructor(seconds: number) {
    this.#end = Date.now() + seconds * 1000;
  }

  get failed(): number {
    return this.failures.length;
  }

  secondsLeft(): number {
    return Math.max(0, Math.floor((this.#end - Date.now()) / 1000));
  }

  async run(cases: readonly Case[]): Promise<void> {
    for (const { name, run } of cases) {
      const start = Date.now();
      const left = this.#end - start;
      let fault = "not run: the first has failed";
      if (left <= 0) fault = "not run: the deadline has passed";
      else if (this.failed === 0 || this.passed > 0)
        fault = await Promise.race([attempt(run), overdue(left)]);
      const took = `${((Date.now() - start) / 1000).toFixed(1)} s`;
      if (fault === "") {
        this.passed++;
        console.log(`ok      ${name} (${took})`);
      } else {
        const said = `FAILED  ${name} (${took})\n${fault.replaceAll(/^/gm, "        ")}`;
        this.failures.push(said);
        console.log(said);
      }
    }
  }
}

async function attempt(run: () => Promise<void>): Promise<string> {
  try {
    await run();
    return "";
  } catch (error) {
    return error instanceof Error ? (error.stack ?? error.message) : String(error);
  }
}

async function overdue(milliseconds: number): Promise<string> {
  await sleep(milliseconds, undefined, { ref: false });
  return "stopped: the deadline has passed";
}
