import { readFileSync, writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";

/** Of Stryker's report what is counted: https://github.com/stryker-mutator/mutation-testing-elements */
interface Report {
  files: Record<string, { mutants: { status: string }[] }>;
}

const ROOT = resolve(import.meta.dirname, "../..");
const PAGE = resolve(ROOT, "docs/mutation.md");
const COLUMNS = ["Killed", "Timeout", "RuntimeError", "Survived", "NoCoverage"] as const;

/** The score is Stryker's own: where the tests can't even be loaded the mutant counts for nothing. */
function row(name: string, statuses: readonly string[]): string {
  const counts = COLUMNS.map((column) => statuses.filter((status) => status === column).length);
  const [killed = 0, timedOut = 0, , survived = 0, notReached = 0] = counts;
  const found = killed + timedOut;
  const score = (found / (found + survived + notReached)) * 100;
  return `| ${[name, `${score.toFixed(1)} %`, statuses.length, ...counts].join(" | ")} |`;
}

/** The table: all, each folder, each file that has mutants. */
function table({ files }: Report): string {
  const entries = Object.entries(files)
    .map(([path, { mutants }]) => ({ path, statuses: mutants.map(({ status }) => status) }))
    .filter(({ statuses }) => statuses.length > 0)
    .toSorted((a, b) => (a.path < b.path ? -1 : 1));
  const folders = [...Map.groupBy(entries, ({ path }) => `${dirname(path)}/`)];
  return [
    "| what | score | mutants | killed | timed out | not loaded | survived | not reached |",
    "| --- | --- | --- | --- | --- | --- | --- | --- |",
    row(
      "**all**",
      entries.flatMap(({ statuses }) => statuses),
    ),
    ...folders.flatMap(([folder, inside]) => [
      row(
        `**\`${folder}\`**`,
        inside.flatMap(({ statuses }) => statuses),
      ),
      ...inside.map(({ path, statuses }) => row(`\`${path.slice(folder.length)}\``, statuses)),
    ]),
  ].join("\n");
}

const report = JSON.parse(readFileSync(resolve(ROOT, "reports/mutation/mutation.json"), "utf8")) as Report;
const today = new Date().toISOString().slice(0, 10);
writeFileSync(
  PAGE,
  readFileSync(PAGE, "utf8").replace(
    /(?<=<!-- score -->\n)[^]*(?=<!-- \/score -->)/,
    `\n${today}:\n\n${table(report)}\n\n`,
  ),
);
