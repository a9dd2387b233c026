import { type Document, isMap, isScalar, LineCounter, type Node, parseDocument, type YAMLError } from "yaml";
import { type DataPath, type Diagnostic, formatPath } from "./diagnostic.ts";

type Range = readonly [start: number, end: number];

/** A YAML file whose every value still knows where it stands. */
export interface Source {
  data: unknown;
  syntaxErrors: Diagnostic[];
  /** A diagnostic at the value of `path`, or at its key, or at the nearest thing that exists. */
  at(path: DataPath, where: "key" | "value", fault: Fault): Diagnostic;
}

export interface Fault {
  code: string;
  message: string;
  suggestion?: string;
}

export function readSource(text: string, file: string): Source {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: true });
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
      suggestion: fault.suggestion ?? "",
    };
  };
  const syntaxErrors = document.errors.map((error: YAMLError) =>
    place(error.pos, [], { code: "yaml-syntax", message: error.message.split("\n")[0] ?? error.message }),
  );
  return {
    data: syntaxErrors.length === 0 ? document.toJS() : undefined,
    syntaxErrors,
    at: (path, where, fault) => place(rangeOf(document, path, where), path, fault),
  };
}

function rangeOf(document: Document, path: DataPath, where: "key" | "value"): Range {
  if (where === "value" || path.length === 0) {
    const node = path.length === 0 ? document.contents : document.getIn(path, true);
    if (hasRange(node) && path.length > 0) return trimmed(node);
  }
  if (path.length === 0) return [0, 1];
  const key = keyRange(document, path);
  return key ?? rangeOf(document, path.slice(0, -1), "key");
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
