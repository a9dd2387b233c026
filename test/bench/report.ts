import type { Sample } from "./measure.ts";

/** One measured thing beside its floor or peer. */
export interface Row {
  what: string;
  measured: Sample;
  /** What it is held against, measured in the same run. */
  against: string;
  floor: Sample;
  /** The ratio of wall times that must not be passed. */
  bound: number;
}

export interface Table {
  title: string;
  /** What the table shows that a row can't: stages, addresses, units. */
  text: string;
  rows: readonly Row[];
}

export const ratio = ({ measured, floor }: Row): number => measured.wall / floor.wall;
export const isKept = (row: Row): boolean => ratio(row) <= row.bound;

/** docs/benchmarks.md. */
export function toMarkdown(tables: readonly Table[], machine: string): string {
  return [
    "# Benchmarks",
    "Written by `npm run bench`, which fails when a bound is passed. Every row was measured in one run beside its floor or peer, taking turns; times are medians in seconds, CPU beside wall. They are of this machine; the ratios are what to compare.",
    `Machine: ${machine}.`,
    ...tables.map(({ title, text, rows }) =>
      [`## ${title}`, text, toTable(rows)].filter(Boolean).join("\n\n"),
    ),
    "",
  ].join("\n\n");
}

function toTable(rows: readonly Row[]): string {
  const lines = rows.map((row) =>
    [
      row.what,
      seconds(row.measured),
      row.against,
      seconds(row.floor),
      ratio(row).toFixed(2),
      `≤ ${row.bound}${isKept(row) ? "" : " **passed**"}`,
    ].join(" | "),
  );
  return ["what | wall (CPU) | against | wall (CPU) | ratio | bound", "---|---|---|---|---|---", ...lines]
    .map((line) => `| ${line} |`)
    .join("\n");
}

function seconds({ wall, cpu }: Sample): string {
  return `${wall.toFixed(2)} (${cpu.toFixed(2)})`;
}
