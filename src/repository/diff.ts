import { formatPatch, structuredPatch } from "diff";
import type { RenderedFile } from "../render/file-tree.ts";
import type { Found } from "./on-disk.ts";

/** One file's change as git writes it, modes and removals included: `git apply` takes it. */
export function fileDiff(path: string, before: Found | undefined, after: RenderedFile | undefined): string {
  const old = before?.kind === "file" ? before : undefined;
  const lines = [`diff --git a/${path} b/${path}`];
  if (old === undefined) lines.push(`new file mode 100${(after?.mode ?? 0o644).toString(8)}`);
  else if (after === undefined) lines.push(`deleted file mode 100${old.mode.toString(8)}`);
  else if (old.mode !== after.mode)
    lines.push(`old mode 100${old.mode.toString(8)}`, `new mode 100${after.mode.toString(8)}`);
  const head = `${lines.join("\n")}\n`;
  const names: [string, string] = [
    old === undefined ? "/dev/null" : `a/${path}`,
    after === undefined ? "/dev/null" : `b/${path}`,
  ];
  const link = before?.kind === "link" ? `# in its place stands a symbolic link to ${before.to}\n` : "";
  return link + head + textDiff(...names, old?.text ?? "", after?.text ?? "");
}

/** The unified diff alone; empty where nothing differs. */
export function textDiff(from: string, to: string, before: string, after: string): string {
  const patch = structuredPatch(from, to, before, after, "", "");
  if (patch.hunks.length === 0) return "";
  const [, , ...hunks] = formatPatch(patch).replace(/^=+\n/, "").split("\n");
  return [`--- ${from}`, `+++ ${to}`, ...hunks].join("\n");
}
