import { homedir } from "node:os";
import { join } from "node:path";

/** Where one sandbox keeps everything; removed with it. */
export function stateFolder(name: string): string {
  return join(statesFolder(), name);
}

export function statesFolder(): string {
  return join(process.env["XDG_STATE_HOME"] ?? join(homedir(), ".local/state"), "infra-k3s/sandbox");
}

/** The cluster repository of a sandbox. */
export function clusterFolder(name: string): string {
  return join(stateFolder(name), "cluster");
}
