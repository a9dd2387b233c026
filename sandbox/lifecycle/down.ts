import { existsSync, globSync, readdirSync, readFileSync, rmdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { run } from "../command.ts";
import { prefix } from "../network/plan.ts";
import { sandboxId, stateFolder } from "../paths.ts";
import { cgroupFolders, processesIn, processesInNamespaces } from "./processes.ts";

const NETNS = "/run/netns";

/**
 * Ends a sandbox and leaves nothing: it goes by what the kernel knows (cgroups, namespaces, mounts), not by what
 * anybody wrote down, so it works after a SIGKILL of everything and on a sandbox that was only half made.
 */
export async function down(name: string): Promise<void> {
  const own = prefix({ id: sandboxId(name) });
  const namespaces = existsSync(NETNS)
    ? readdirSync(NETNS).filter((entry) => entry.startsWith(`${own}-`))
    : [];
  await killAll(own, namespaces);
  for (const mount of mountsBelow(stateFolder(name))) await run(["umount", "--lazy", mount]);
  for (const entry of namespaces) await run(["ip", "netns", "delete", entry]);
  await removeCgroups(own);
  rmSync(stateFolder(name), { recursive: true, force: true });
}

async function killAll(own: string, namespaces: readonly string[]): Promise<void> {
  const paths = namespaces.map((entry) => join(NETNS, entry));
  const deadline = Date.now() + 30_000;
  for (;;) {
    const pids = new Set([...processesIn(own), ...processesInNamespaces(paths)]);
    pids.delete(process.pid);
    if (pids.size === 0) return;
    if (Date.now() > deadline)
      throw new Error(`these processes of the sandbox do not end: ${[...pids].join(", ")}`);
    for (const pid of pids) {
      try {
        process.kill(pid, "SIGKILL");
      } catch {
        // It ended in between.
      }
    }
    await sleep(100);
  }
}

/** Deepest first. */
function mountsBelow(folder: string): string[] {
  return readFileSync("/proc/self/mountinfo", "utf8")
    .split("\n")
    .map((line) => (line.split(" ")[4] ?? "").replaceAll("\\040", " "))
    .filter((mount) => mount.startsWith(`${folder}/`))
    .sort((a, b) => b.length - a.length);
}

/** A cgroup can be removed a moment after its last process ended. */
export async function removeCgroups(own: string): Promise<void> {
  const deadline = Date.now() + 10_000;
  for (;;) {
    const folders = cgroupFolders(own).flatMap((top) => [...globSync(join(top, "**/")), top]);
    if (folders.length === 0) return;
    for (const folder of folders.sort((a, b) => b.length - a.length)) {
      try {
        rmdirSync(folder);
      } catch {
        // Not empty yet.
      }
    }
    if (Date.now() > deadline) throw new Error(`these cgroups can't be removed: ${folders.join(", ")}`);
    await sleep(50);
  }
}
