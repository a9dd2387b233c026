import { execa } from "execa";
import { interruption } from "../src/output/interruption.ts";
import { follow } from "../src/tools/process/children.ts";

/** The sandbox's door to other programs: argv only, and an error that carries what the program said. */
export async function run(
  argv: readonly [string, ...string[]],
  options: { stdin?: string; cwd?: string; env?: Record<string, string> } = {},
): Promise<string> {
  interruption.signal.throwIfAborted();
  const [file, ...args] = argv;
  const child = execa(file, args, {
    reject: false,
    detached: true,
    stdin: options.stdin === undefined ? "ignore" : "pipe",
    ...(options.stdin === undefined ? {} : { input: options.stdin }),
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    env: { LC_ALL: "C", ...options.env },
  });
  const forget = follow(child, "told");
  const result = await child.finally(forget);
  if (result.exitCode === 0) return result.stdout;
  interruption.signal.throwIfAborted();
  const said = result.stderr.trim() || result.stdout.trim() || result.shortMessage || "";
  throw new Error(`${argv.join(" ")}\n${said.split("\n").slice(-20).join("\n")}`);
}
