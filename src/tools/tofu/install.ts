import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Lock } from "../../config/lock.ts";
import { ToolError } from "../../output/errors.ts";
import { cacheFolder } from "../cache.ts";
import { ensureProgram } from "../downloads/download.ts";
import { operatorPlatform } from "../downloads/lock.ts";
import { runOrFail } from "../process/process.ts";

/** OpenTofu of the locked archive, in the user's cache; the program is what the archive held, or it is unpacked anew. */
export async function ensureTofu(lock: Lock, progress: (line: string) => void): Promise<string> {
  const locked = lock.tofu?.files[operatorPlatform()];
  if (locked === undefined) {
    throw new ToolError({
      what: `versions.lock.json has no tofu for ${operatorPlatform()}`,
      fix: "add it on this machine: infra-k3s init",
    });
  }
  // The stacks ask at once.
  const asked =
    running.get(locked.sha256) ?? install(locked, progress).finally(() => running.delete(locked.sha256));
  running.set(locked.sha256, asked);
  return asked;
}

const running = new Map<string, Promise<string>>();

async function install(
  locked: { url: string; sha256: string },
  progress: (line: string) => void,
): Promise<string> {
  const folder = cacheFolder("tools", `tofu-${locked.sha256.slice(0, 12)}`);
  if (isWhole(folder)) return join(folder, "tofu");
  progress("installing OpenTofu into the user's cache");
  const building = `${folder}.${process.pid}`;
  mkdirSync(building, { recursive: true });
  try {
    const archive = join(building, "archive");
    await ensureProgram(archive, locked.url, locked.sha256);
    await runOrFail({ argv: ["tar", "-xzf", archive, "-C", building, "tofu"] }, "can't unpack OpenTofu");
    writeFileSync(join(building, "sha256"), hashOf(join(building, "tofu")));
    rmSync(archive);
    rmSync(folder, { recursive: true, force: true });
    renameSync(building, folder);
  } finally {
    rmSync(building, { recursive: true, force: true });
  }
  return join(folder, "tofu");
}

function isWhole(folder: string): boolean {
  const [program, noted] = [join(folder, "tofu"), join(folder, "sha256")];
  return existsSync(program) && existsSync(noted) && hashOf(program) === readFileSync(noted, "utf8");
}

function hashOf(path: string): string {
  return createHash("sha256").update(readFileSync(path)).digest("hex");
}
