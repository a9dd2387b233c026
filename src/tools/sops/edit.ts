import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { UserError } from "../../output/errors.ts";
import { runAttached } from "../process/process.ts";
import { replace, type Sops, sopsEnvironment } from "./sops.ts";

/** https://man7.org/linux/man-pages/man2/statfs.2.html */
const TMPFS_MAGIC = 0x01021994;

/** SOPS's own editor loop, with its plain text in memory only; it is gone however this ends. */
export async function edit(sops: Sops, path: string, editor: string): Promise<boolean> {
  const read = readFileSync(join(sops.root, path), "utf8");
  const folder = mkdtempSync(join(memoryFolder(), "infra-k3s-edit-"));
  const stopWatching = removeAfterDeath(folder);
  try {
    const copy = join(folder, basename(path));
    writeFileSync(copy, read, { mode: 0o600 });
    const code = await runAttached({
      argv: [sops.program, "edit", copy],
      cwd: sops.root,
      env: { ...sopsEnvironment(sops), TMPDIR: folder, SOPS_EDITOR: editor },
    });
    // https://github.com/getsops/sops/blob/v3.13.3/cmd/sops/codes/codes.go: FileHasNotBeenModified
    if (code === 200) return false;
    if (code !== 0) {
      throw new UserError({ what: `${path} is as it was`, why: `sops or the editor ended with ${code}` });
    }
    replace(sops, path, read, readFileSync(copy, "utf8"));
    return true;
  } finally {
    rmSync(folder, { recursive: true, force: true });
    stopWatching();
  }
}

/** A folder that no disk ever holds. */
function memoryFolder(): string {
  const found = [process.env["XDG_RUNTIME_DIR"] ?? "", "/dev/shm", "/run"].find(
    (folder) => folder !== "" && existsSync(folder) && statfsSync(folder).type === TMPFS_MAGIC,
  );
  if (found !== undefined) return found;
  throw new UserError({
    what: "there is no folder in memory to edit in",
    why: "plain text on a disk can be read long after it was deleted",
    fix: "mount a tmpfs at /dev/shm, or set single values: infra-k3s secrets set FILE KEY",
  });
}

/** Removes the folder as soon as this process is gone, also after SIGKILL: then nobody holds the pipe's other end. */
function removeAfterDeath(folder: string): () => void {
  const watcher = spawn("sh", ["-c", 'trap "" INT TERM HUP; cat >/dev/null; rm -rf -- "$1"', "sh", folder], {
    detached: true,
    stdio: ["pipe", "ignore", "ignore"],
    env: { PATH: process.env["PATH"] ?? "" },
  });
  watcher.unref();
  return () => watcher.stdin.end();
}
