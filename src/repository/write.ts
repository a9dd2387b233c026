import { createHash } from "node:crypto";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { createTwoFilesPatch } from "diff";
import { z } from "zod";
import { UserError } from "../output/errors.ts";
import type { FileTree } from "../render/file-tree.ts";

/** Which files of the repository are ours, by the hash we wrote: how a user's edit is told from an old rendering. */
const MANIFEST = ".infra-k3s.manifest.json";
const ManifestSchema = z.record(z.string(), z.string().regex(/^[0-9a-f]{64}$/));

export interface WriteResult {
  written: string[];
  removed: string[];
}

/** Brings the repository to `tree`: writes what differs, prunes what is no longer rendered, keeps what a user edited. */
export function writeTree(root: string, tree: FileTree): WriteResult {
  const before = readManifest(root);
  const result = compare(root, tree, before);
  refuseEdited(root, tree, before, [...result.written, ...result.removed]);
  for (const path of result.written) {
    const file = tree.get(path);
    if (file !== undefined) writeAtomically(join(root, path), file.text, file.mode);
  }
  for (const path of result.removed) rmSync(inside(root, path));
  const after = Object.fromEntries([...tree].map(([path, file]) => [path, hash(file.text)]));
  if (JSON.stringify(after) !== JSON.stringify(before)) {
    writeAtomically(join(root, MANIFEST), `${JSON.stringify(after, null, 2)}\n`, 0o644);
  }
  return result;
}

/** What `writeTree` would do, without doing it. */
export function compareTree(root: string, tree: FileTree): WriteResult {
  return compare(root, tree, readManifest(root));
}

/** The unified diff of what `writeTree` would change. */
export function diffTree(root: string, tree: FileTree): string {
  const { written, removed } = compareTree(root, tree);
  return [...written, ...removed]
    .map((path) =>
      createTwoFilesPatch(
        `a/${path}`,
        `b/${path}`,
        readIfThere(root, path) ?? "",
        tree.get(path)?.text ?? "",
      ),
    )
    .join("");
}

function compare(root: string, tree: FileTree, before: Record<string, string>): WriteResult {
  const written = [...tree].flatMap(([path, file]) => {
    const same = readIfThere(root, path) === file.text && modeOf(join(root, path)) === file.mode;
    return same ? [] : [path];
  });
  const removed = Object.keys(before).filter((path) => !tree.has(path) && existsSync(inside(root, path)));
  return { written, removed };
}

function refuseEdited(root: string, tree: FileTree, before: Record<string, string>, paths: string[]): void {
  const edited = paths.filter((path) => {
    const text = readIfThere(root, path);
    return text !== undefined && hash(text) !== before[path] && text !== tree.get(path)?.text;
  });
  if (edited.length === 0) return;
  const diffs = edited.map((path) =>
    createTwoFilesPatch(
      `yours/${path}`,
      `rendered/${path}`,
      readIfThere(root, path) ?? "",
      tree.get(path)?.text ?? "",
    ),
  );
  throw new UserError({
    what: `${edited.length === 1 ? "a rendered file was" : "rendered files were"} edited by hand: ${edited.join(", ")}`,
    why: diffs.join(""),
    fix:
      "take ours: delete the file and run `infra-k3s render`; keep yours: move the change to your own place " +
      "(ansible/inventory/host_vars/, ansible/inventory/group_vars/all/local.yml)",
  });
}

function readManifest(root: string): Record<string, string> {
  const path = join(root, MANIFEST);
  if (!existsSync(path)) return {};
  const parsed = ManifestSchema.safeParse(JSON.parse(readFileSync(path, "utf8")));
  if (parsed.success) return parsed.data;
  throw new UserError({
    what: `${MANIFEST} is damaged`,
    fix: `restore it from git: git checkout ${MANIFEST}`,
  });
}

/** A manifest is data from outside: a path that leaves the repository is refused. */
function inside(root: string, path: string): string {
  if (path.startsWith("/") || path.split("/").includes("..")) {
    throw new UserError({ what: `${MANIFEST} names a path outside the repository: ${path}` });
  }
  return join(root, path);
}

function readIfThere(root: string, path: string): string | undefined {
  const full = inside(root, path);
  return existsSync(full) ? readFileSync(full, "utf8") : undefined;
}

function modeOf(path: string): number | undefined {
  return existsSync(path) ? ((statSync(path).mode & 0o100) === 0 ? 0o644 : 0o755) : undefined;
}

/** Whole or not at all, also when killed: written beside and renamed. */
export function writeAtomically(path: string, text: string, mode: number): void {
  mkdirSync(dirname(path), { recursive: true });
  const temporary = `${path}.${process.pid}.tmp`;
  writeFileSync(temporary, text, { mode });
  chmodSync(temporary, mode);
  renameSync(temporary, path);
}

function hash(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
