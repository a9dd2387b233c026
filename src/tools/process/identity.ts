import { existsSync, readFileSync } from "node:fs";

/**
 * When the process began, in the kernel's own count: its number alone may have been given to another since. Undefined when
 * there is no such process, or only what its parent has not yet buried.
 */
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

/** Whether a process has this number. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
