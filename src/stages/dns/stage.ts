import { Resolver } from "node:dns/promises";
import type { Stage } from "../../run/stage.ts";
import type { ClusterContext } from "../context.ts";
import { bring, look } from "../stack/bring.ts";

/** At Cloudflare: the domain's records, the backups' bucket, the tokens of what runs in the cluster, the tunnel. */
export const dns: Stage<ClusterContext> = {
  name: "dns",
  async observe(context) {
    const { model } = context;
    if (model.cloudflare === null) return { state: "ok", reason: "cluster.yaml has no `cloudflare`" };
    const served = await addresses(model.domain);
    const { proxied, tunnel } = model.cloudflare;
    const wanted = model.nodes.flatMap(({ name, ingress }) => {
      const server = context.servers[name];
      return ingress && server !== undefined
        ? [server.publicIp, server.publicIpv6 ?? ""].filter(Boolean)
        : [];
    });
    if (proxied || tunnel ? served.length > 0 : same(served, wanted))
      return { state: "ok", reason: `${model.domain} is served as declared` };
    if (served.length === 0) return { state: "absent", reason: `${model.domain} has no address` };
    return {
      state: "changed",
      reason: `${model.domain} leads to ${served.join(", ")}, declared are ${wanted.join(", ")}`,
    };
  },
  async plan(context) {
    if (context.model.cloudflare === null) return [];
    if (context.secrets.TF_VAR_state_access_key_id === undefined) return fromNothing(context);
    return (await look({ context, stage: "dns", stack: "cloudflare" })).changes;
  },
  async apply(context, emit) {
    if (context.model.cloudflare === null) return {};
    const { changes } = await bring({ context, stage: "dns", stack: "cloudflare" }, emit);
    return changes.length === 0 ? {} : { cloudflare: { ok: 0, changed: changes.length, failed: 0 } };
  },
};

/** Nothing was ever made: what will be, as far as it is known before the servers have addresses. */
function fromNothing({ model: { domain, cloudflare } }: ClusterContext) {
  return [
    `bucket ${cloudflare?.stateBucket}`,
    `bucket ${cloudflare?.backupBucket}`,
    `records of ${domain} and *.${domain}`,
  ].map((resource) => ({
    stage: "dns",
    action: "create" as const,
    resource: `cloudflare: ${resource}`,
    reason: "declared, and not there yet",
    protected: false,
  }));
}

async function addresses(name: string): Promise<string[]> {
  const resolver = new Resolver({ timeout: 3000, tries: 2 });
  const found = await Promise.all(
    [resolver.resolve4(name), resolver.resolve6(name)].map((one) => one.catch(() => [])),
  );
  return found.flat();
}

const same = (a: readonly string[], b: readonly string[]) =>
  JSON.stringify([...a].sort()) === JSON.stringify([...b].sort());
