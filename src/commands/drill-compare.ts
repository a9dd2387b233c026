import { setTimeout as sleep } from "node:timers/promises";
import { readFileSync } from "node:fs";
import { type Comparison, compareInventories } from "../backup-inventory/compare.ts";
import { openInventory } from "../backup-inventory/store.ts";
import { takeInventory } from "../backup-inventory/take.ts";
import { withoutOwn } from "../drill/own.ts";
import { EXIT, type ExitCode } from "../output/errors.ts";
import type { Io } from "../output/io.ts";
import { type ClusterOption, openCluster } from "./cluster.ts";
import { recoveryKeys } from "./recovery-kit-verify.ts";

export interface DrillCompareOptions extends ClusterOption {
  /** The inventory as it lay in the bucket. */
  inventory: string;
  /** A key that opens it. */
  identity: string;
}

/** A cluster that was just restored settles: what differs only for so long is no difference. */
const SETTLING_MS = 180_000;
const PAUSE_MS = 10_000;

/** Compares the cluster that is here with an inventory of before, until both are equal or it has had time enough. Reads only. */
export async function runDrillCompare(options: DrillCompareOptions, io: Io): Promise<ExitCode> {
  const cluster = openCluster(options);
  const keys = await recoveryKeys(options.identity);
  const saved = await openInventory(options.inventory, new Uint8Array(readFileSync(options.inventory)), keys);
  const expected = withoutOwn(saved);
  const { backup, commit, key } = saved.header;
  let best: Comparison | undefined;
  for (const deadline = Date.now() + SETTLING_MS; ; await sleep(PAUSE_MS)) {
    const found = withoutOwn(await takeInventory(cluster, { backup, commit, key })).inventory;
    const seen = compareInventories(expected.inventory, found);
    if (best === undefined || differences(seen) < differences(best)) best = seen;
    if (best.equal || Date.now() > deadline) break;
    io.err(`${differences(seen)} differences; the cluster may still be settling\n`);
  }
  const result: Comparison = { ...best, leftOut: [...best.leftOut, ...expected.leftOut] };
  io.out(`${JSON.stringify(result)}\n`);
  return result.equal ? EXIT.ok : EXIT.failed;
}

const differences = ({ objects, volumes }: Comparison) => objects.differing.length + volumes.differing.length;
