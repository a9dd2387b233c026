import { globSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { hostname, userInfo } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { writeAtomically } from "../../repository/write.ts";
import { beganAt } from "../process/identity.ts";
import type { LockInfo } from "./messages.ts";

/** An OpenTofu that this repository started on a stack and saw no end of: a lock it left is told from anybody else's. */
interface Run {
  who: string;
  pid: number;
  /** When the process began, in the kernel's own count. */
  process: string;
  /** ISO 8601. */
  started: string;
}

/** As OpenTofu names itself in its locks. */
export const operator = (): string => `${userInfo().username}@${hostname()}`;

const folder = (root: string) => join(root, ".infra-k3s/tofu");

/** Notes that the process runs; returns what takes the note away when it has come to its end. */
export function noteRun(root: string, stack: string, pid: number): () => void {
  const run: Run = { who: operator(), pid, process: beganAt(pid) ?? "", started: new Date().toISOString() };
  const file = join(folder(root), `${stack}-${pid}.json`);
  mkdirSync(folder(root), { recursive: true, mode: 0o700 });
  writeAtomically(file, JSON.stringify(run), 0o600);
  return () => rmSync(file, { force: true });
}

/** The lock is taken at the very start of a run. */
const TAKEN_WITHIN_MS = 60_000;

/**
 * Whether the lock is what a run of ours left: made by this user on this machine while that run began. Waits for the end of
 * one that outlived the command that started it.
 */
export async function isLeftByUs(root: string, stack: string, lock: LockInfo): Promise<boolean> {
  for (const name of globSync(`${stack}-*.json`, { cwd: folder(root) })) {
    const file = join(folder(root), name);
    const run = JSON.parse(readFileSync(file, "utf8")) as Run;
    const after = createdAt(lock) - Date.parse(run.started);
    if (run.who !== lock.who || !(after > -2000 && after < TAKEN_WITHIN_MS)) continue;
    while (run.process !== "" && beganAt(run.pid) === run.process) await sleep(500);
    rmSync(file, { force: true });
    return true;
  }
  return false;
}

/** `2026-11-23 18:36:14.769 +0000 UTC`, as Go prints a time. */
function createdAt({ created }: LockInfo): number {
  return Date.parse(created.replace(" +0000 UTC", "Z").replace(" ", "T"));
}
