import { existsSync, globSync, readdirSync, readFileSync, readlinkSync, statSync } from "node:fs";
import { join } from "node:path";

const CGROUPS = "/sys/fs/cgroup";

/** Every cgroup folder of this name, in all hierarchies the machine has mounted. */
export function cgroupFolders(cgroup: string): string[] {
  return readdirSync(CGROUPS)
    .map((controller) => join(CGROUPS, controller, cgroup))
    .filter((folder) => existsSync(folder));
}

/** The processes in a cgroup and all below it, in any hierarchy. */
export function processesIn(cgroup: string): number[] {
  const pids = new Set<number>();
  for (const folder of cgroupFolders(cgroup)) {
    for (const file of [join(folder, "cgroup.procs"), ...globSync(join(folder, "**/cgroup.procs"))]) {
      for (const line of read(file).split("\n")) if (line !== "") pids.add(Number(line));
    }
  }
  return [...pids];
}

/** The processes whose network namespace is one of these. */
export function processesInNamespaces(namespaces: readonly string[]): number[] {
  const inodes = new Set(namespaces.map((path) => statSync(path).ino));
  return readdirSync("/proc")
    .filter((entry) => /^\d+$/.test(entry))
    .map(Number)
    .filter((pid) => {
      try {
        return inodes.has(Number(/\[(\d+)\]/.exec(readlinkSync(`/proc/${pid}/ns/net`))?.[1]));
      } catch {
        return false;
      }
    });
}

function read(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}
