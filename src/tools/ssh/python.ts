import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type Finished, run } from "../process/process.ts";
import { UserError } from "../../output/errors.ts";
import { sshArgv, type SshTarget, sshVerdict } from "./ssh.ts";

export interface PythonOptions {
  /** Milliseconds. */
  timeout: number;
  /** Called for each line the program prints, as it comes; `"enough"` ends the connection. */
  onLine?: ((line: string) => "enough" | void) | undefined;
  /** Its stdout goes to `onLine` alone, however long it is. */
  linesOnly?: boolean | undefined;
}

/**
 * Runs a Python program on the host as root. It and what it is told, its global `DATA`, go through stdin: secrets among
 * that are in no argument and no file.
 */
export function runPython(
  target: SshTarget,
  program: string,
  data: unknown,
  { timeout, onLine, linesOnly }: PythonOptions,
): Promise<Finished> {
  return run({
    argv: [...sshArgv(target), "sudo -n python3 -"],
    stdin: withData(program, data),
    timeout,
    onLine,
    linesOnly,
  });
}

/** The same for a program that has to end well: its stdout, or an error that says `what` could not be done and why. */
export async function mustPython(
  target: SshTarget,
  program: string,
  data: unknown,
  { what, fix, ...options }: PythonOptions & { what: string; fix: string },
): Promise<string> {
  const { exitCode, stdout, stderr, timedOut } = await runPython(target, program, data, options);
  if (exitCode === 0) return stdout;
  if (exitCode === 255) throw new UserError({ what, ...sshVerdict(stderr, target) });
  const why = timedOut
    ? `no end after ${Math.round(options.timeout / 60_000)} min`
    : stderr.trim() || "it said nothing";
  throw new UserError({ what, why, fix });
}

/** What programs on the master share. */
const KUBECTL = readFileSync(join(import.meta.dirname, "kubectl.py"), "utf8");

/** A JSON text in JSON's quotes is a Python string of the same text. */
export function withData(program: string, data: unknown): string {
  return `${KUBECTL}\nDATA = json.loads(${JSON.stringify(JSON.stringify(data))})\n${program}`;
}
