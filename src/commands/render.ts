import { existsSync } from "node:fs";
import { join, normalize, relative, resolve, sep } from "node:path";
import { EXIT, type ExitCode } from "../output/errors.ts";
import type { Io } from "../output/io.ts";
import type { FileTree } from "../render/file-tree.ts";
import { type Choice, compareTree, diffTree, isAsRendered, writeTree } from "../repository/write.ts";
import { RENDERED, requireLock } from "../tools/downloads/lock.ts";
import { ensureManifests, manifestsToFetch } from "../tools/downloads/manifests.ts";
import { type ClusterOption, openCluster, renderCluster } from "./cluster.ts";

export interface RenderOptions extends ClusterOption {
  json: boolean;
  /** Show what would change, as a unified diff. */
  diff: boolean;
  /** Exit 1 when anything would change. */
  check: boolean;
  /** Rendered files or folders that are the user's from now on. */
  keep: readonly string[];
  /** Those that are ours again, whatever the user made of them. */
  take: readonly string[];
}

/** The shape of `render --json`. */
export interface Rendered {
  /** Paths in the repository: changed, or with --diff or --check to be changed; upstream's manifests among them. */
  written: string[];
  removed: string[];
  /** Rendered, and left to the user: `render --keep`. */
  kept: string[];
  /** Edited by hand, so that without a decision nothing is written. */
  edited: string[];
  /** With --diff. */
  diff?: string;
}

/** Writes the repository's rendered files from `cluster.yaml`, `servers.json` and the lock. */
export async function runRender(options: RenderOptions, io: Io): Promise<ExitCode> {
  const cluster = openCluster(options);
  const { root } = cluster;
  const tree = renderCluster(cluster);
  const lock = requireLock(root, cluster.model, RENDERED);
  const choice = { keep: options.keep.map((path) => named(root, path)), take: options.take.map((path) => named(root, path)) }; // prettier-ignore
  const dry = options.diff || options.check;
  const result = dry ? look(root, tree, choice) : { ...writeTree(root, tree, choice), edited: [] };
  const upstream = dry ? manifestsToFetch(root, lock) : await ensureManifests(root, lock);
  const diff = options.diff ? { diff: diffTree(root, tree, choice) } : {};
  const rendered: Rendered = { ...result, written: [...result.written, ...upstream], ...diff };
  const count = rendered.written.length + rendered.removed.length;
  tell(root, tree, rendered, io);
  if (dry && upstream.length > 0) io.err(`to be fetched from upstream: ${upstream.join(", ")}\n`);
  if (options.json) io.out(`${JSON.stringify(rendered)}\n`);
  else if (rendered.diff !== undefined) io.out(rendered.diff);
  else {
    if (dry) io.out([...rendered.written, ...rendered.removed].map((path) => `${path}\n`).join(""));
    io.out(`${tree.size} files, ${count} ${dry ? "to change" : "changed"}\n`);
  }
  return options.check && count > 0 ? EXIT.failed : EXIT.ok;
}

function look(root: string, tree: FileTree, choice: Choice): Omit<Rendered, "diff"> {
  return compareTree(root, tree, choice);
}

/** Each time, so that nobody looks for why a change of `cluster.yaml` does not arrive. */
function tell(root: string, tree: FileTree, { kept, edited }: Rendered, io: Io): void {
  for (const path of kept) {
    const state = isAsRendered(root, tree, path)
      ? "as it would be rendered"
      : "other than it would be rendered";
    io.err(`yours, not touched: ${path} (${state})\n`);
  }
  for (const path of edited)
    io.err(`edited by hand: ${path}; keep it with --keep, give the edit up with --take\n`);
}

/** As the messages show it, from the root of the repository, or from the current folder. */
function named(root: string, path: string): string {
  if (existsSync(join(root, path))) return plain(path);
  const below = relative(root, resolve(path));
  return below.startsWith("..") || !existsSync(resolve(path)) ? plain(path) : plain(below);
}

function plain(path: string): string {
  return normalize(path).split(sep).join("/").replace(/\/$/, "");
}
