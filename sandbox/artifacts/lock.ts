import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { isAlive } from "../../src/tools/process/identity.ts";

/** Does work while no other process does it; waits for one that is at it, and takes over from one that died. */
export async function alone<T>(
  path: string,
  progress: (line: string) => void,
  work: () => Promise<T>,
): Promise<T> {
  mkdirSync(dirname(path), { recursive: true });
  let said = false;
  for (;;) {
    const holder = take(path);
    if (holder === undefined) break;
    if (!said) progress(`process ${holder} is building already: waiting for it`);
    said = true;
    await sleep(500);
  }
  try {
    return await work();
  } finally {
    rmSync(path, { force: true });
  }
}

/** The process that holds the lock; undefined once it is ours. */
function take(path: string): number | undefined {
  const mine = `${path}.${process.pid}`;
  // Linked into place whole: a lock is never seen without its holder's number.
  writeFileSync(mine, String(process.pid));
  try {
    linkSync(mine, path);
    return undefined;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  } finally {
    rmSync(mine, { force: true });
  }
  const holder = holderOf(path);
  if (holder !== undefined && isAlive(holder)) return holder;
  rmSync(path, { force: true });
  return take(path);
}

function holderOf(path: string): number | undefined {
  try {
    return Number(readFileSync(path, "utf8"));
  } catch {
    return undefined;
  }
}
