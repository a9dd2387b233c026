import { lstatSync, readFileSync, readlinkSync, rmdirSync, rmSync, type Stats } from "node:fs";
import { dirname, join } from "node:path";
import { UserError } from "../output/errors.ts";
import type { RenderedFile } from "../render/file-tree.ts";

/** What stands at a path of the repository; undefined: nothing. A link is never followed. */
export type Found = ({ kind: "file" } & RenderedFile) | { kind: "link"; to: string } | { kind: "folder" };

/** Looks at a path, which must be one of the repository's own: its folders are no links that lead elsewhere. */
export function look(root: string, path: string): Found | undefined {
  const full = inside(root, path);
  const stat = statOf(full);
  if (stat === undefined) return undefined;
  if (stat.isSymbolicLink()) return { kind: "link", to: readlinkSync(full) };
  if (!stat.isFile()) return { kind: "folder" };
  return { kind: "file", text: readFileSync(full, "utf8"), mode: (stat.mode & 0o100) === 0 ? 0o644 : 0o755 };
}

/** Takes a file away, or the link itself, and the folders that are empty then. */
export function remove(root: string, path: string): void {
  rmSync(inside(root, path));
  for (let folder = dirname(path); folder !== "."; folder = dirname(folder)) {
    try {
      rmdirSync(join(root, folder));
    } catch {
      return;
    }
  }
}

/** The manifest is data from outside, and folders may have been replaced: what leaves the repository is refused. */
function inside(root: string, path: string): string {
  const parts = path.split("/");
  if (parts.some((part) => ["", ".", ".."].includes(part)) || parts[0] === ".git") {
    throw new UserError({
      what: `the manifest names a path outside the repository: ${path}`,
      why: "what infra-k3s writes and removes lies in the repository, and not in git's own folder",
      fix: "restore it from git: git checkout .infra-k3s.manifest.json",
    });
  }
  for (let length = 1; length < parts.length; length++) {
    const folder = parts.slice(0, length).join("/");
    const stat = statOf(join(root, folder));
    if (stat === undefined) break;
    if (stat.isDirectory()) continue;
    throw new UserError({
      what: stat.isSymbolicLink()
        ? `${folder} is a symbolic link to ${readlinkSync(join(root, folder))}: nothing is written or removed through it`
        : `${folder} is not a folder, and ${path} belongs into it`,
      fix: `put a folder in its place; or leave what is below it to yourself: infra-k3s render --keep ${folder}`,
    });
  }
  return join(root, path);
}

function statOf(full: string): Stats | undefined {
  try {
    return lstatSync(full);
  } catch (error) {
    if (["ENOENT", "ENOTDIR"].includes((error as NodeJS.ErrnoException).code ?? "")) return undefined;
    throw error;
  }
}
