import { existsSync, globSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { run } from "../command.ts";

/** What a sandbox could leave on the machine, each as a sorted list of lines; equal lists mean nothing was left. */
export interface Traces {
  processes: string[];
  mounts: string[];
  namespaces: string[];
  cgroups: string[];
  loops: string[];
  listeners: string[];
}

/** What there is now. Processes count when they live in another network namespace than the machine's, or in a sandbox's cgroup. */
export async function traces(): Promise<Traces> {
  return {
    processes: foreignProcesses(),
    mounts: readFileSync("/proc/self/mountinfo", "utf8")
      .split("\n")
      .map((line) => line.split(" ")[4] ?? "")
      .filter(Boolean)
      .sort(),
    namespaces: existsSync("/run/netns") ? readdirSync("/run/netns").sort() : [],
    cgroups: globSync("/sys/fs/cgroup/*/{infra-k3s-*,payload,supervisor}").sort(),
    loops: (await run(["losetup", "--all"])).split("\n").filter(Boolean).sort(),
    listeners: (await run(["ss", "-Hlntu"]))
      .split("\n")
      .map((line) => line.split(/\s+/).slice(0, 5).join(" "))
      .filter(Boolean)
      .sort(),
  };
}

/** What `after` has more than `before`, one line each. */
export function left(before: Traces, after: Traces): string[] {
  return (Object.keys(after) as (keyof Traces)[]).flatMap((kind) => {
    const known = [...before[kind]];
    return after[kind]
      .filter((entry) => {
        const index = known.indexOf(entry);
        if (index !== -1) known.splice(index, 1);
        return index === -1;
      })
      .map((entry) => `${kind}: ${entry}`);
  });
}

function foreignProcesses(): string[] {
  const own = readlinkSync("/proc/self/ns/net");
  return readdirSync("/proc")
    .filter((entry) => /^\d+$/.test(entry))
    .flatMap((pid) => {
      try {
        const foreign = readlinkSync(`/proc/${pid}/ns/net`) !== own;
        const ours = readFileSync(`/proc/${pid}/cgroup`, "utf8").includes("/infra-k3s-");
        return foreign || ours ? [`${readFileSync(`/proc/${pid}/comm`, "utf8").trim()} (${pid})`] : [];
      } catch {
        return [];
      }
    });
}
