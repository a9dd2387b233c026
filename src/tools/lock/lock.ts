import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { UserError } from "../../output/errors.ts";

interface Holder {
  pid: number;
  command: string;
  since: string;
}

/** One change of a cluster at a time from this repository; the lock of a dead process is taken over. */
export async function withLock<T>(root: string, command: string, work: () => Promise<T>): Promise<T> {
  const path = join(root, ".infra-k3s/lock");
  take(path, { pid: process.pid, command, since: new Date().toISOString() });
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
    if (other !== undefined && isAlive(other.pid)) {
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

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
