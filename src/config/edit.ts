import {
  isMap,
  isScalar,
  isSeq,
  type Node,
  parseDocument,
  stringify,
  type YAMLMap,
  type YAMLSeq,
} from "yaml";
import type { DataPath } from "./diagnostic.ts";

/** Replaces one scalar of a YAML text byte-exactly: everything around it, comments too, stays as it is. */
export function replaceScalar(text: string, path: DataPath, value: string): string {
  const node = parseDocument(text).getIn(path, true);
  if (!isScalar(node) || !node.range) throw new Error(`no scalar at ${path.join(".")}`);
  return text.slice(0, node.range[0]) + value + text.slice(node.range[1]);
}

/** Adds an item, given as fields, behind the last one of a list; every other line stays as it is. */
export function appendItem(text: string, path: DataPath, fields: Readonly<Record<string, string>>): string {
  const document = parseDocument(text);
  const list = document.getIn(path, true);
  if (!isSeq(list)) throw new Error(`no list at ${path.join(".")}`);
  const last = list.items.at(-1);
  if (list.flow === true || last === undefined) {
    document.addIn(path, fields);
    return document.toString({ lineWidth: 0 });
  }
  const [start, end] = linesOf(text, list, list.items.length - 1);
  const indent = /^ */.exec(text.slice(start))?.[0] ?? "";
  // Stringified alone as a list, so that what needs quotes gets them.
  const lines = stringify([fields], { lineWidth: 0 }).trimEnd().split("\n");
  return `${ended(text.slice(0, end))}${lines.map((line) => `${indent}${line}\n`).join("")}${text.slice(end)}`;
}

/** Takes an item out of a list; every other line stays, with it the comments above the item. */
export function removeItem(text: string, path: DataPath, index: number): string {
  const document = parseDocument(text);
  const list = document.getIn(path, true);
  if (!isSeq(list)) throw new Error(`no list at ${path.join(".")}`);
  if (list.flow === true) {
    document.deleteIn([...path, index]);
    return document.toString({ lineWidth: 0 });
  }
  const [start, end] = linesOf(text, list, index);
  return text.slice(0, start) + text.slice(end);
}

/** From the start of the line with the item's dash to the end of the line with its last value. */
function linesOf(text: string, list: YAMLSeq, index: number): [start: number, end: number] {
  const item = list.items[index] as Node;
  const start = text.lastIndexOf("\n", text.lastIndexOf("-", item.range?.[0] ?? 0)) + 1;
  const newline = text.indexOf("\n", Math.max(endOf(item) - 1, 0));
  return [start, newline === -1 ? text.length : newline + 1];
}

/** Where the last value ends; a block's own range goes on through the comments behind it. */
function endOf(node: unknown): number {
  if (isMap(node) && node.flow !== true) {
    return Math.max(...node.items.map(({ key, value }) => Math.max(endOf(key), endOf(value))));
  }
  if (isSeq(node) && node.flow !== true) return Math.max(...node.items.map(endOf));
  return (node as Node | null)?.range?.[1] ?? 0;
}

function ended(text: string): string {
  return text.endsWith("\n") || text === "" ? text : `${text}\n`;
}

/**
 * Puts a top-level block of `fields` in the place of the one of that name, or in front of the key `before`, or at the end;
 * every other line stays, the comments above the block too.
 */
export function replaceBlock(text: string, key: string, fields: unknown, before: string): string {
  const block = stringify({ [key]: fields }, { lineWidth: 0 });
  const document = parseDocument(text);
  if (!isMap(document.contents)) throw new Error("no map at the top");
  const startOf = (name: string) => {
    const pair = (document.contents as unknown as YAMLMap<Node, Node>).items.find(
      ({ key: at }) => isScalar(at) && at.value === name,
    );
    return pair === undefined
      ? undefined
      : { at: text.lastIndexOf("\n", pair.key.range?.[0] ?? 0) + 1, value: pair.value };
  };
  const own = startOf(key);
  if (own !== undefined) {
    const newline = text.indexOf("\n", Math.max(endOf(own.value) - 1, own.at));
    return text.slice(0, own.at) + block + (newline === -1 ? "" : text.slice(newline + 1));
  }
  const next = startOf(before);
  // Comments above the next block are about that.
  const at = next === undefined ? text.length : aboveComments(text, next.at);
  return `${ended(text.slice(0, at))}${block}${next === undefined ? "" : "\n"}${text.slice(at)}`;
}

/** The start of the comment lines that stand directly above a line. */
function aboveComments(text: string, start: number): number {
  const previous = text.lastIndexOf("\n", start - 2) + 1;
  return start > 0 && text.slice(previous, start).startsWith("#") ? aboveComments(text, previous) : start;
}
