import { Resolver } from "node:dns/promises";
import type { ClusterContext } from "../context.ts";

/** The domain's addresses: what cluster.yaml comes to, and what DNS answers here. */
export interface Served {
  /** Empty where Cloudflare's edge has the addresses, which are its own. */
  declared: string[];
  served: string[];
  ok: boolean;
}

/** Asks this machine's resolver for a name; declared are the ingress nodes' addresses of both families. */
export async function lookUp(
  { model, servers }: Pick<ClusterContext, "model" | "servers">,
  name: string,
): Promise<Served> {
  const { proxied = false, tunnel = false } = model.cloudflare ?? {};
  const declared = model.nodes.flatMap(({ name: node, ingress }) => {
    const server = servers[node];
    return ingress && server !== undefined ? [server.publicIp, server.publicIpv6 ?? ""].filter(Boolean) : [];
  });
  const served = await addresses(name);
  if (proxied || tunnel) return { declared: [], served, ok: served.length > 0 };
  return { declared: declared.toSorted(), served: served.toSorted(), ok: same(served, declared) };
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
