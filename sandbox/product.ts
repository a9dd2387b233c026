import { join } from "node:path";
import { PRODUCT_ROOT } from "../src/repository/shipped.ts";
import { placeCommand } from "./network/places.ts";
import type { Plan } from "./network/plan.ts";
import { clusterFolder } from "./paths.ts";

/** What starts the product's own CLI where a sandbox's operator is, for that sandbox's cluster. */
export function productCommand(
  plan: Plan,
  stateDir: string,
  args: readonly string[],
): { argv: [string, ...string[]]; env: { INFRA_K3S_CLUSTER: string } } {
  const cli = join(PRODUCT_ROOT, "src/cli.ts");
  return {
    argv: [...placeCommand(plan, "operator", stateDir), process.execPath, ...process.execArgv, cli, ...args],
    env: { INFRA_K3S_CLUSTER: clusterFolder(plan.name) },
  };
}
