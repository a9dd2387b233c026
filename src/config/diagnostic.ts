/** One fault in a file, placed. Lines and columns count from 1; the end column is exclusive. */
export interface Diagnostic {
  severity: "error" | "warning";
  code: string;
  file: string;
  line: number;
  column: number;
  endLine: number;
  endColumn: number;
  /** Where in the data, e.g. `nodes[1].region`. */
  path: string;
  message: string;
  /** What to write instead, or what to do; empty when nothing is known. */
  suggestion: string;
}

export type DataPath = readonly (string | number)[];

export function formatPath(path: DataPath): string {
  return path.reduce<string>(
    (text, part) => text + (typeof part === "number" ? `[${part}]` : text === "" ? part : `.${part}`),
    "",
  );
}

/** The people's form: place, message, source frame with a caret, suggestion. */
export function formatDiagnostic(d: Diagnostic, source: string): string {
  const text = source.split(/\r?\n/)[d.line - 1] ?? "";
  const gutter = String(d.line).length;
  const width = d.endLine === d.line ? Math.max(1, d.endColumn - d.column) : 1;
  const lines = [
    `${d.file}:${d.line}:${d.column}: ${d.severity}: ${d.message} [${d.code}]`,
    ` ${d.line} | ${text.replaceAll("\t", " ")}`,
    ` ${" ".repeat(gutter)} | ${" ".repeat(d.column - 1)}${"^".repeat(width)}`,
  ];
  if (d.suggestion !== "") lines.push(`   ${d.suggestion}`);
  return lines.join("\n");
}

/** By place in the file, so that a person reads top down. */
export function byPlace(a: Diagnostic, b: Diagnostic): number {
  return a.line - b.line || a.column - b.column || a.message.localeCompare(b.message);
}
