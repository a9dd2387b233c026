import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type Finished, run } from "../process/process.ts";
import { sshArgv, type SshTarget } from "./ssh.ts";

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

/** What programs on the master share. */
const KUBECTL = readFileSync(join(import.meta.dirname, "kubectl.py"), "utf8");

/** A JSON text in JSON's quotes is a Python string of the same text. */
export function withData(program: string, data: unknown): string {
  return `${KUBECTL}\nDATA = json.loads(${JSON.stringify(JSON.stringify(data))})\n${program}`;
}
