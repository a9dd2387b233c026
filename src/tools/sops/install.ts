import type { Lock } from "../../config/lock.ts";
import { ToolError } from "../../output/errors.ts";
import { cacheFolder } from "../cache.ts";
import { ensureProgram } from "../downloads/download.ts";
import { operatorPlatform } from "../downloads/lock.ts";

/** The locked SOPS, in the user's cache, verified each time. */
export async function ensureSops(lock: Lock | undefined): Promise<string> {
  const locked = lock?.sops?.files[operatorPlatform()];
  if (locked === undefined) {
    throw new ToolError({
      what: `versions.lock.json has no sops for ${operatorPlatform()}`,
      fix: "add it on this machine: infra-k3s init",
    });
  }
  const path = cacheFolder("tools", `sops-${locked.sha256.slice(0, 12)}`, "sops");
  await ensureProgram(path, locked.url, locked.sha256);
  return path;
}
