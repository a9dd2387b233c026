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

const HEAD = `# Benchmarks

Written by \`npm run bench\`, which fails when a bound is passed; \`npm run bench -- NAME…\` measures some of them anew. Every row was measured in one run beside its floor or peer, taking turns; times are medians in seconds, CPU beside wall. They are of the machine that is named; the ratios are what to compare.
`;

/** docs/benchmarks.md with a table in the place of the one of the same title, or at its end. */
export function withTable(before: string, { title, text, rows }: Table, machine: string): string {
  const section = [`## ${title}`, text, toTable(rows), `${machine}.`].filter(Boolean).join("\n\n") + "\n";
  const sections = before
    .split(/^(?=## )/m)
    .slice(1)
    .map((one) => `${one.trimEnd()}\n`);
  const index = sections.findIndex((one) => one.startsWith(`## ${title}\n`));
  sections.splice(index === -1 ? sections.length : index, 1, section);
  return [HEAD, ...sections].join("\n");
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
