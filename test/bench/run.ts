import { rmSync, writeFileSync } from "node:fs";
import { cpus, release, totalmem } from "node:os";
import { join, resolve } from "node:path";
import { infra, makeClone, must, work } from "../sandbox/place.ts";
import { slope, throughput } from "./network.ts";
import { cloudPlan } from "./clouds.ts";
import { isKept, type Table, toMarkdown } from "./report.ts";
import { plusOne, startup, up } from "./up.ts";

/** One run on one sandbox; writes docs/benchmarks.md and fails when a bound is passed. */
if (process.getuid?.() !== 0) {
  console.error("the benchmarks need root, as the sandbox does");
  process.exit(1);
}
await makeClone();
try {
  await must(infra(["sandbox", "up"]));
  const tables: Table[] = [];
  const parts = [
    startup,
    () => throughput(4),
    () => cloudPlan(5),
    () => slope(2),
    () => up(2),
    () => plusOne(2),
  ];
  for (const part of parts) {
    const table = await part();
    console.error(toMarkdown([table], "so far"));
    tables.push(table);
  }
  const [cpu] = cpus();
  const machine = `${cpus().length} × ${cpu?.model ?? "unknown"}, ${(totalmem() / 2 ** 30).toFixed(0)} GiB, Linux ${release()}`;
  const text = toMarkdown(tables, machine);
  writeFileSync(resolve(import.meta.dirname, "../../docs/benchmarks.md"), text);
  console.log(text);
  process.exitCode = tables.flatMap(({ rows }) => rows).every(isKept) ? 0 : 1;
} finally {
  await infra(["sandbox", "down"]);
  rmSync(join(work), { recursive: true, force: true });
}
