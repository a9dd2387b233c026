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
  /** What the message alone does not make plain; empty when it does. */
  why: string;
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

/** As a message calls it: `region`, `hostKeys[0]`; the whole is the file. */
export function nameOf(path: DataPath): string {
  return path.length === 0
    ? "the file"
    : formatPath(path.slice(path.findLastIndex((part) => typeof part === "string")));
}

/** The people's form: place, message, source frame with a caret, why, what to do. */
export function formatDiagnostic(d: Diagnostic, source: string): string {
  const gutter = " ".repeat(String(d.line).length);
  const { text, start, end } = windowOf(lineOf(source, d.line), d);
  return [
    `${d.file}:${d.line}:${d.column}: ${d.severity}: ${d.message} [${d.code}]`,
    ` ${d.line} | ${visible(text)}`.trimEnd(),
    ` ${gutter} | ${" ".repeat(start)}${"^".repeat(Math.max(1, end - start))}`,
    ...(d.why === "" ? [] : [`   why: ${d.why}`]),
    ...(d.suggestion === "" ? [] : [`   fix: ${d.suggestion}`]),
  ].join("\n");
}

/** All of them, and how many where they don't fit on a screen at a glance. */
export function formatDiagnostics(diagnostics: readonly Diagnostic[], source: string): string {
  const texts = diagnostics.map((diagnostic) => formatDiagnostic(diagnostic, source));
  return [...texts, ...(texts.length > 3 ? [`${texts.length} faults`] : [])].join("\n\n");
}

/** By place in the file, so that a person reads top down. */
export function byPlace(a: Diagnostic, b: Diagnostic): number {
  return a.line - b.line || a.column - b.column || a.message.localeCompare(b.message);
}

/** A byte order mark is no character of the first line. */
function lineOf(source: string, line: number): string {
  return source.replace(/^\uFEFF/, "").split(/\r?\n/)[line - 1] ?? "";
}

const WIDTH = 120;

/** Of a line that is too long for a terminal the part around the fault. */
function windowOf(line: string, d: Diagnostic): { text: string; start: number; end: number } {
  const start = d.column - 1;
  const end = d.endLine === d.line ? d.endColumn - 1 : start + 1;
  if (line.length <= WIDTH) return { text: line, start, end };
  const from = Math.max(0, Math.min(start - WIDTH / 2, line.length - WIDTH));
  const text = `${from > 0 ? "…" : ""}${line.slice(from + (from > 0 ? 1 : 0), from + WIDTH)}`;
  const cut = from + WIDTH < line.length;
  return {
    text: cut ? `${text}…` : text,
    start: start - from,
    end: Math.min(end - from, WIDTH),
  };
}

/** A terminal must not obey what stands in a file, and a person must see it. */
function visible(text: string): string {
  return text
    .replaceAll("\t", " ")
    .replaceAll(/\p{Cc}/gu, (character) =>
      character < " " ? String.fromCharCode(0x2400 + character.charCodeAt(0)) : "\u{FFFD}",
    )
    .replaceAll(/[\p{Cf}\u2028\u2029]/gu, "\u{FFFD}")
    .replaceAll(/\p{Zs}/gu, (space) => (space === " " ? " " : "·"));
}
