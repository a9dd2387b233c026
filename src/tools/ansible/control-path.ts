import { createHash } from "node:crypto";
import { lstatSync, mkdirSync } from "node:fs";
import { UserError } from "../../output/errors.ts";

/**
 * The folder of the sockets by which Ansible's SSH connections are shared, one for each cluster repository and user. Ansible's own
 * is in the home folder, and a socket's name may have 107 bytes (unix(7)), of which SSH takes 57: a long home leaves no room.
 */
export function controlPathFolder(root: string, parent = "/tmp"): string {
  const uid = process.getuid?.() ?? 0;
  const path = `${parent}/infra-k3s-${uid}-${createHash("sha256").update(root).digest("hex").slice(0, 8)}`;
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
  const there = lstatSync(path);
  if (there.isDirectory() && there.uid === uid && (there.mode & 0o077) === 0) return path;
  throw new UserError({
    what: `${path} is not a folder that you alone can enter`,
    why: "whoever can write there could answer in place of your hosts",
    fix: `look at what it is; then rm -r ${path}, and run this again`,
  });
}
