import { readFileSync } from "node:fs";
import { join } from "node:path";
import { edgeIpv6, type Plan, services } from "../network/plan.ts";
import type { Api } from "../services/api.ts";
import { awsApis } from "./aws/api.ts";
import { ensureCredentials } from "./credentials.ts";
import { cloudflareApi, cloudflareStore } from "./cloudflare/api.ts";
import { bucketsOf, serveR2 } from "./cloudflare/r2-gate.ts";
import { hetznerApi } from "./hetzner/api.ts";
import { hostMachines } from "./machines.ts";
import { r2Name } from "./names.ts";
import { issue } from "../services/trust.ts";
import { vultrApi } from "./vultr/api.ts";

/** Where the S3 server listens, on the outer namespace's loopback. */
export const S3_PORT = 7070;

/** The simulated vendors' APIs by name; what they know is in the folder `clouds` of the sandbox's state. */
export function clouds(plan: Plan, stateDir: string): Record<string, Api> {
  const folder = join(stateDir, "clouds");
  const upstream = { port: S3_PORT, key: ensureCredentials(stateDir).s3 };
  const machines = hostMachines(plan, stateDir);
  return {
    "api.hetzner.cloud": hetznerApi(folder, machines),
    "api.vultr.com": vultrApi(folder, machines),
    "api.cloudflare.com": cloudflareApi(folder, bucketsOf(upstream), [services(plan).edge, edgeIpv6(plan)]),
    ...awsApis(folder, machines),
  };
}

/** R2's gate, at the account's own name. */
export async function r2(plan: Plan, stateDir: string): Promise<void> {
  const account = cloudflareStore(join(stateDir, "clouds"));
  const { key, cert } = await issue(stateDir, "r2", [r2Name(account.read().id)]);
  await serveR2({
    address: services(plan).r2,
    key: readFileSync(key),
    cert: readFileSync(cert),
    account,
    upstream: { port: S3_PORT, key: ensureCredentials(stateDir).s3 },
    requestLog: join(stateDir, "logs/r2.jsonl"),
  });
}
