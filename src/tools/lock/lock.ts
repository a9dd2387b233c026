import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { UserError } from "../../output/errors.ts";

interface Holder {
  pid: number;
  /** When the process began, in the kernel's own count: its number alone may have been given to another since. */
  began: string;
  command: string;
  since: string;
}

/** One change of a cluster at a time from this repository; the lock of a dead process is taken over. */
export async function withLock<T>(root: string, command: string, work: () => Promise<T>): Promise<T> {
  const path = join(root, ".infra-k3s/lock");
  take(path, {
    pid: process.pid,
    began: beganAt(process.pid) ?? "",
    command,
    since: new Date().toISOString(),
  });
  try {
    return await work();
  } finally {
    rmSync(path, { force: true });
  }
}

function take(path: string, holder: Holder): void {
  mkdirSync(dirname(path), { recursive: true });
  try {
    writeFileSync(path, JSON.stringify(holder), { flag: "wx" });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    const other = readHolder(path);
    if (other !== undefined && beganAt(other.pid) === other.began) {
      throw new UserError({
        what: `another command is changing this cluster: ${other.command} (process ${other.pid}, since ${other.since})`,
        fix: "wait for it to end, or end it",
      });
    }
    rmSync(path, { force: true });
    take(path, holder);
  }
}

function readHolder(path: string): Holder | undefined {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as Holder;
  } catch {
    return undefined;
  }
}

/** Undefined when there is no such process, or only what its parent has not yet buried. */
export function beganAt(pid: number): string | undefined {
  if (!existsSync("/proc/self/stat")) return isAlive(pid) ? "" : undefined;
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The name before may hold anything; behind its bracket stand state (3) and, as 22nd, the start (proc(5)).
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" ? undefined : fields[19];
  } catch {
    return undefined;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
