import { join } from "node:path";
import type { Plan } from "../network/plan.ts";
import type { Api } from "../services/api.ts";
import { awsApis } from "./aws/api.ts";
import { ensureCredentials } from "./credentials.ts";
import { hetznerApi } from "./hetzner/api.ts";
import { hostMachines } from "./machines.ts";

/** The simulated vendors' APIs by name; what they know is in the folder `clouds` of the sandbox's state. */
export function clouds(plan: Plan, stateDir: string): Record<string, Api> {
  const folder = join(stateDir, "clouds");
  ensureCredentials(stateDir);
  const machines = hostMachines(plan, stateDir);
  return { "api.hetzner.cloud": hetznerApi(folder, machines), ...awsApis(folder, machines) };
}
