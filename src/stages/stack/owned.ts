import type { ClusterModel } from "../../config/model.ts";
import type { Thing } from "../../tools/inventory/thing.ts";
import { doubles, nodeOf } from "./plan.ts";

export interface Owned {
  provider: string;
  type: string;
  id: string;
  name: string;
  billed: boolean;
  /** declared: cluster.yaml has it. orphan: nothing has. double: it is there more than once, and this one is not in use. */
  state: "declared" | "orphan" | "double";
}

/** What of the things with this cluster's name `cluster.yaml` declares. `inUse`: the ids in servers.json. */
export function owned(model: ClusterModel, things: readonly Thing[], inUse: readonly string[]): Owned[] {
  const twice = new Set(doubles(things, inUse).map(({ id }) => id));
  return things.map((one) => {
    const { provider, type, id, name, billed } = one;
    const state = twice.has(id) ? "double" : isDeclared(model, one) ? "declared" : "orphan";
    return { provider, type, id, name, billed, state };
  });
}

function isDeclared({ nodes, cloudflare }: ClusterModel, { provider, type, name, address }: Thing): boolean {
  if (cloudflare === null) return false;
  const node = nodeOf(address);
  if (node !== undefined) return nodes.some((one) => one.name === node && one.provider === provider);
  if (type === "cloudflare_dns_record") {
    const [, target] = /\["(?:apex|wildcard)-(.+)-(?:A|AAAA)"\]/.exec(address) ?? [];
    return target === undefined ? cloudflare.tunnel : nodes.some((one) => one.name === target && one.ingress);
  }
  if (type === "cloudflare_r2_bucket") return name === cloudflare.backupBucket;
  if (type === "cloudflare_account_token") return address !== "";
  return provider === "cloudflare" ? cloudflare.tunnel : nodes.some((one) => one.provider === provider);
}
