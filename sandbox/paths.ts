import { createHash } from "node:crypto";
import { homedir } from "node:os";
import { join } from "node:path";

/** Where one sandbox keeps everything; removed with it. */
export function stateFolder(name: string): string {
  return join(statesFolder(), name);
}

export function statesFolder(): string {
  return join(process.env["XDG_STATE_HOME"] ?? join(homedir(), ".local/state"), "infra-k3s/sandbox");
}

/** A drill's sandbox: short, since sockets lie below its folder, and the same for each drill of a repository. */
export function drillName(root: string): string {
  return `${DRILLS}${createHash("sha256").update(root).digest("hex").slice(0, 4)}`;
}
export const DRILLS = "drill-";

/** What a drill has copied; beside its sandbox, which is begun anew where it was half made. */
export function importFolder(name: string): string {
  return join(statesFolder(), "../drill", name);
}

/** What tells a sandbox from another user's of the same name. */
export function sandboxId(name: string): string {
  return `${name}-${createHash("sha256").update(stateFolder(name)).digest("hex").slice(0, 4)}`;
}

/** The cluster repository of a sandbox. */
export function clusterFolder(name: string): string {
  return join(stateFolder(name), "cluster");
}
