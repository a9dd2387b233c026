import { homedir } from "node:os";
import { join } from "node:path";

/** The user's cache, where pinned tools are kept; safe to delete. */
export function cacheFolder(...parts: string[]): string {
  const base = process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache");
  return join(base, "infra-k3s", ...parts);
}
