import { execa } from "execa";

/** The sandbox's door to other programs: argv only, and an error that carries what the program said. */
export async function run(
  argv: readonly [string, ...string[]],
  options: { stdin?: string; cwd?: string; env?: Record<string, string> } = {},
): Promise<string> {
  const [file, ...args] = argv;
  const result = await execa(file, args, {
    reject: false,
    stdin: options.stdin === undefined ? "ignore" : "pipe",
    ...(options.stdin === undefined ? {} : { input: options.stdin }),
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    env: { LC_ALL: "C", ...options.env },
  });
  if (result.exitCode === 0) return result.stdout;
  const said = result.stderr.trim() || result.stdout.trim() || result.shortMessage || "";
  throw new Error(`${argv.join(" ")}\n${said.split("\n").slice(-20).join("\n")}`);
}
