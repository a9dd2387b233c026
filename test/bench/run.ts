import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { cpus, release, totalmem } from "node:os";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { infra, keeps, makeClone, must, work } from "../sandbox/place.ts";
import { slope, throughput } from "./network.ts";
import { backupAndRestore, restoreCluster } from "./backup.ts";
import { cloudPlan } from "./clouds.ts";
import { pushToHealthy } from "./gitops.ts";
import { isKept, type Table, withTable } from "./report.ts";
import { plusOne, resume, startup, up } from "./up.ts";

const PARTS: Readonly<Record<string, () => Promise<Table>>> = {
  start: startup,
  throughput: () => throughput(4),
  clouds: () => cloudPlan(5),
  distance: () => slope(2),
  up: () => up(2),
  resume,
  "plus-one": () => plusOne(2),
  push: () => pushToHealthy(3),
  backup: () => backupAndRestore(2),
  // Last: the cluster ends without its apps.
  restore: restoreCluster,
};

/** On one sandbox; writes each table into docs/benchmarks.md when it is measured, and fails when a bound is passed. */
const { positionals } = parseArgs({ allowPositionals: true, strict: false });
const names = positionals.length > 0 ? positionals : Object.keys(PARTS);
const unknown = names.filter((name) => !(name in PARTS));
if (unknown.length > 0) {
  console.error(`there is no benchmark ${unknown.join(", ")}; there are: ${Object.keys(PARTS).join(", ")}`);
  process.exit(64);
}
if (process.getuid?.() !== 0) {
  console.error("the benchmarks need root, as the sandbox does");
  process.exit(1);
}
const file = resolve(import.meta.dirname, "../../docs/benchmarks.md");
const [cpu] = cpus();
const machine = `${cpus().length} × ${cpu?.model ?? "unknown"}, ${(totalmem() / 2 ** 30).toFixed(0)} GiB, Linux ${release()}`;
await makeClone();
try {
  await must(infra(["sandbox", "up", "--until", "verify"]));
  for (const name of names) {
    const table = await PARTS[name]?.();
    if (table === undefined) continue;
    writeFileSync(file, withTable(readFileSync(file, "utf8"), table, machine));
    console.log(withTable("", table, machine));
    if (!table.rows.every(isKept)) process.exitCode = 1;
  }
} finally {
  if (!keeps) {
    await infra(["sandbox", "down"]);
    rmSync(work, { recursive: true, force: true });
  }
}
