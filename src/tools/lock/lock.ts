import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { UserError } from "../../output/errors.ts";
import { endOrphans, runMark } from "../process/children.ts";
import { beganAt } from "../process/identity.ts";

interface Holder {
  pid: number;
  /** When the process began: identity.ts. */
  began: string;
  command: string;
  since: string;
}

/** One change of a cluster at a time from this repository; the lock of a dead process is taken over. */
export async function withLock<T>(root: string, command: string, work: () => Promise<T>): Promise<T> {
  const path = join(root, ".infra-k3s/lock");
  const dead = take(path, {
    pid: process.pid,
    began: beganAt(process.pid) ?? "",
    command,
    since: new Date().toISOString(),
  });
  const release = () => rmSync(path, { force: true });
  process.once("exit", release);
  try {
    for (const { pid, began } of dead) await endOrphans(runMark(pid, began));
    return await work();
  } finally {
    release();
    process.off("exit", release);
  }
}

/** Returns the dead processes that had it. */
function take(path: string, holder: Holder): Holder[] {
  mkdirSync(dirname(path), { recursive: true });
  if (create(path, holder)) return [];
  const other = readHolder(path);
  if (other !== undefined && beganAt(other.pid) === other.began) {
    throw new UserError({
      what: `another command is changing this cluster: ${other.command} (process ${other.pid}, since ${other.since})`,
      fix: `wait for it to end, or end it: kill ${other.pid}`,
    });
  }
  if (other === undefined && isNew(path))
    throw new UserError({ what: "another command is about to change this cluster", fix: "run this again" });
  // Two that find it at the same moment must not both take it: who is slower would remove what the other has by then.
  const taking = `${path}.taking`;
  take(taking, holder);
  try {
    if (JSON.stringify(readHolder(path)) === JSON.stringify(other)) rmSync(path, { force: true });
  } finally {
    rmSync(taking, { force: true });
  }
  return [...(other === undefined ? [] : [other]), ...take(path, holder)];
}

function create(path: string, holder: Holder): boolean {
  try {
    writeFileSync(path, JSON.stringify(holder), { flag: "wx" });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    return false;
  }
}

/** Its holder is writing its name at this moment. */
function isNew(path: string): boolean {
  const made = statSync(path, { throwIfNoEntry: false });
  return made !== undefined && made.size === 0 && Date.now() - made.mtimeMs < 2000;
}

function readHolder(path: string): Holder | undefined {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as Holder;
  } catch {
    return undefined;
  }
}
