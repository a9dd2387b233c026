import { type Document, isMap, isScalar, LineCounter, type Node, parseDocument } from "yaml";
import { decode } from "./characters.ts";
import { type DataPath, type Diagnostic, formatPath } from "./diagnostic.ts";
import { dropRepeated } from "./repeated-keys.ts";
import { documentFaults, type YamlFault } from "./yaml-faults.ts";

type Range = readonly [start: number, end: number];

/** A YAML file whose every value still knows where it stands. */
export interface Source {
  /** Undefined where the file is so broken that its data would mislead. */
  data: unknown;
  /** What is wrong with the file as YAML. */
  faults: Diagnostic[];
  isReadable: boolean;
  /** A value as it is written, e.g. `012`. */
  written(path: DataPath): string;
  /** A diagnostic at the value of `path`, or at its key, or at the nearest thing that exists. */
  at(path: DataPath, where: "key" | "value", fault: Fault): Diagnostic;
}

export interface Fault {
  code: string;
  message: string;
  why?: string;
  suggestion?: string;
}

export function readSource(content: string | Uint8Array, file: string): Source {
  const { text, faults: unreadable } = decode(content);
  const lines = new LineCounter();
  const document = parseDocument(unreadable.length > 0 ? "" : text, {
    lineCounter: lines,
    prettyErrors: false,
  });
  if (unreadable.length > 0) countLines(text, lines);
  const place = (range: Range, path: DataPath, fault: Fault): Diagnostic => {
    const start = lines.linePos(range[0]);
    const end = lines.linePos(Math.max(range[1], range[0] + 1));
    return {
      severity: "error",
      code: fault.code,
      file,
      line: start.line,
      column: start.col,
      endLine: end.line,
      endColumn: end.col,
      path: formatPath(path),
      message: fault.message,
      why: fault.why ?? "",
      suggestion: fault.suggestion ?? "",
    };
  };
  const faults: (YamlFault & { stops: boolean })[] =
    unreadable.length > 0
      ? unreadable.map((fault) => ({ ...fault, stops: true }))
      : documentFaults(document, text, lines);
  const isReadable = faults.every(({ stops }) => !stops);
  if (isReadable) dropRepeated(document);
  return {
    data: isReadable ? document.toJS() : undefined,
    faults: faults.map((fault) => place(fault.range, [], fault)),
    isReadable,
    written: (path) => text.slice(...rangeOf(document, path, "value")),
    at: (path, where, fault) => place(rangeOf(document, path, where), path, fault),
  };
}

/** What the parser does of a text that it reads. */
function countLines(text: string, lines: LineCounter): void {
  lines.lineStarts = [0];
  for (const { index } of text.matchAll(/\n/g)) lines.addNewLine(index + 1);
}

function rangeOf(document: Document, path: DataPath, where: "key" | "value"): Range {
  if (path.length === 0) return rootRange(document);
  const node = where === "value" ? document.getIn(path, true) : undefined;
  if (hasRange(node)) return trimmed(node);
  return keyRange(document, path) ?? rangeOf(document, path.slice(0, -1), "key");
}

/** The first key, or whatever else comes first. */
function rootRange({ contents }: Document): Range {
  const [first] = isMap(contents) ? contents.items : [];
  if (first !== undefined && hasRange(first.key)) return [first.key.range[0], first.key.range[1]];
  return hasRange(contents) ? trimmed(contents) : [0, 1];
}

function keyRange(document: Document, path: DataPath): Range | undefined {
  const parent = path.length === 1 ? document.contents : document.getIn(path.slice(0, -1), true);
  if (isMap(parent)) {
    const pair = parent.items.find((item) => isScalar(item.key) && item.key.value === path.at(-1));
    return pair && hasRange(pair.key) ? [pair.key.range[0], pair.key.range[1]] : undefined;
  }
  const element = document.getIn(path, true);
  return hasRange(element) ? [element.range[0], element.range[0] + 1] : undefined;
}

/** A map's range reaches into the next line; its first character is enough to point at. */
function trimmed(node: Node & { range: [number, number, number] }): Range {
  return isScalar(node) ? [node.range[0], node.range[1]] : [node.range[0], node.range[0] + 1];
}

function hasRange(node: unknown): node is Node & { range: [number, number, number] } {
  return typeof node === "object" && node !== null && "range" in node && Array.isArray(node.range);
}
