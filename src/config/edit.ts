import { isScalar, parseDocument } from "yaml";
import type { DataPath } from "./diagnostic.ts";

/** Replaces one scalar of a YAML text byte-exactly: everything around it, comments too, stays as it is. */
export function replaceScalar(text: string, path: DataPath, value: string): string {
  const node = parseDocument(text).getIn(path, true);
  if (!isScalar(node) || !node.range) throw new Error(`no scalar at ${path.join(".")}`);
  return text.slice(0, node.range[0]) + value + text.slice(node.range[1]);
}
