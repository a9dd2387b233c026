import { chmodSync, mkdirSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { EXIT, UserError } from "../output/errors.ts";
import type { FileTree } from "../render/file-tree.ts";
import { fileDiff, textDiff } from "./diff.ts";
import { hash, isOurs, type Manifest, MANIFEST, readManifest, YOURS } from "./manifest.ts";
import { type Found, look, remove } from "./on-disk.ts";
import { ownPlace } from "./own-place.ts";

export interface WriteResult {
  written: string[];
  removed: string[];
  /** Rendered, but left to the user from now on. */
  kept: string[];
}

export interface Comparison extends WriteResult {
  /** Of what would be written or removed, what the user edited: it is not touched. */
  edited: string[];
}

/** What the user decided of files they edited: paths of the repository, files or folders. */
export interface Choice {
  keep: readonly string[];
  take: readonly string[];
}

const UNDECIDED: Choice = { keep: [], take: [] };

/** Brings the repository to `tree`: writes what differs, prunes what is no longer rendered, keeps what a user edited. */
export function writeTree(root: string, tree: FileTree, choice: Choice = UNDECIDED): WriteResult {
  const { before, taken } = decide(readManifest(root), tree, choice);
  const { edited, ...result } = compare(root, tree, before, taken);
  if (edited.length > 0) throw editedByHand(root, tree, edited);
  refuseFolders(root, result.written);
  const hashes = Object.fromEntries([...tree].map(([path, { text }]) => [path, hash(text)]));
  const own = Object.fromEntries(result.kept.map((path) => [path, YOURS]));
  if (result.written.length + result.removed.length > 0) {
    const either = result.written.map((path) => [path, bothOf(before[path], hashes[path])]);
    save(root, { ...before, ...Object.fromEntries(either) });
  }
  for (const path of result.written) {
    const file = tree.get(path);
    if (file !== undefined) writeAtomically(join(root, path), file.text, file.mode);
  }
  for (const path of result.removed) remove(root, path);
  save(root, { ...hashes, ...own });
  return result;
}

/** What `writeTree` would do, without doing it. */
export function compareTree(root: string, tree: FileTree, choice: Choice = UNDECIDED): Comparison {
  const { before, taken } = decide(readManifest(root), tree, choice);
  return compare(root, tree, before, taken);
}

/** What `writeTree` would change, as git writes it: `git apply` takes it. */
export function diffTree(root: string, tree: FileTree, choice: Choice = UNDECIDED): string {
  const { written, removed } = compareTree(root, tree, choice);
  return [...written, ...removed].map((path) => fileDiff(path, look(root, path), tree.get(path))).join("");
}

/** Whether what a user keeps is what would be rendered. */
export function isAsRendered(root: string, tree: FileTree, path: string): boolean {
  const found = lookOrNothing(root, path);
  return found?.kind === "file" && found.text === tree.get(path)?.text;
}

/** The manifest as the choice makes it, and the paths whose edits are given up. */
function decide(
  manifest: Manifest,
  tree: FileTree,
  { keep, take }: Choice,
): { before: Manifest; taken: Set<string> } {
  const known = [...new Set([...tree.keys(), ...Object.keys(manifest)])];
  const chosen = (of: readonly string[]) => new Set(of.flatMap((path) => knownBelow(path, known)));
  const [kept, taken] = [chosen(keep), chosen(take)];
  const both = [...kept].find((path) => taken.has(path));
  if (both !== undefined)
    throw new UserError({ what: `${both} is both kept and taken`, fix: "choose one" }, EXIT.usage);
  const marked = [...kept].filter((path) => tree.has(path)).map((path) => [path, YOURS]);
  // What is rendered no more, and what is taken back, is forgotten: the one is the user's, the other is told apart by its text.
  const rest = Object.entries(manifest).filter(
    ([path, entry]) => !kept.has(path) && !(entry === YOURS && (taken.has(path) || !tree.has(path))),
  );
  return { before: Object.fromEntries([...rest, ...marked]), taken };
}

function knownBelow(path: string, known: readonly string[]): string[] {
  const found = known.filter((one) => one === path || one.startsWith(`${path}/`));
  if (found.length > 0) return found;
  throw new UserError(
    {
      what: `${path} is nothing that infra-k3s writes`,
      why: "what it does not write is yours anyway",
      fix: "name a path as `infra-k3s render` shows it",
    },
    EXIT.usage,
  );
}

function compare(root: string, tree: FileTree, before: Manifest, taken: ReadonlySet<string>): Comparison {
  const kept = [...tree.keys()].filter((path) => before[path] === YOURS);
  const found = new Map<string, Found | undefined>();
  const written = [...tree].flatMap(([path, file]) => {
    if (before[path] === YOURS) return [];
    const now = look(root, path);
    found.set(path, now);
    return now?.kind === "file" && now.text === file.text && now.mode === file.mode ? [] : [path];
  });
  const removed = Object.keys(before).filter((path) => {
    if (tree.has(path)) return false;
    found.set(path, look(root, path));
    const kind = found.get(path)?.kind;
    return kind === "file" || kind === "link";
  });
  const edited = [...written, ...removed].filter((path) => {
    const now = found.get(path);
    if (now === undefined || taken.has(path)) return false;
    if (now.kind !== "file") return true;
    return !isOurs(before, path, now.text) && now.text !== tree.get(path)?.text;
  });
  return { written, removed, kept, edited };
}

function editedByHand(root: string, tree: FileTree, edited: readonly string[]): UserError {
  const diffs = edited.map((path) => {
    const now = look(root, path);
    if (now?.kind === "link") return `${path} is a symbolic link to ${now.to}\n`;
    if (now?.kind === "folder") return `${path} is a folder\n`;
    const rendered = tree.get(path);
    const to = rendered === undefined ? "/dev/null" : `rendered/${path}`;
    return textDiff(`yours/${path}`, to, now?.text ?? "", rendered?.text ?? "");
  });
  const places = edited
    .map((path) => [path, ownPlace(path)])
    .filter(([, place]) => place !== "")
    .map(([path, place]) => `\n${path}: ${place}`);
  return new UserError({
    what: `${edited.length === 1 ? "a rendered file was" : "rendered files were"} edited by hand: ${edited.join(", ")}`,
    why: diffs.join(""),
    fix:
      `nothing was written. ${edited.map((path) => `infra-k3s render --keep ${path}`)[0]} leaves it to you from now on, --take in its place gives up the edit` +
      (places.length === 0 ? "" : `. What you want lasts in a place of your own, too:${places.join("")}`),
  });
}

/** A link is replaced by the file; a folder may hold anything. */
function refuseFolders(root: string, written: readonly string[]): void {
  const folder = written.find((path) => look(root, path)?.kind === "folder");
  if (folder === undefined) return;
  throw new UserError({
    what: `${folder} is a folder, and infra-k3s writes a file there; nothing was written`,
    fix: "move it away",
  });
}

function lookOrNothing(root: string, path: string): Found | undefined {
  try {
    return look(root, path);
  } catch (error) {
    // Below a link there is what the user put there.
    if (error instanceof UserError) return undefined;
    throw error;
  }
}

function bothOf(before: string | undefined, after: string | undefined): string {
  return [...new Set([...(before?.split(" ") ?? []), after])].join(" ");
}

function save(root: string, manifest: Manifest): void {
  if (JSON.stringify(manifest) === JSON.stringify(readManifest(root))) return;
  writeAtomically(join(root, MANIFEST), `${JSON.stringify(manifest, null, 2)}\n`, 0o644);
}

/** Whole or not at all, also when killed: written beside and renamed. */
export function writeAtomically(path: string, text: string, mode: number): void {
  mkdirSync(dirname(path), { recursive: true });
  const temporary = `${path}.${process.pid}.tmp`;
  writeFileSync(temporary, text, { mode });
  chmodSync(temporary, mode);
  renameSync(temporary, path);
}
