import { type Cloudflare, CLOUDS, type ClusterModel, r2Endpoint, type Servers } from "../config/model.ts";

/** `tofu/stacks/X/cluster.auto.tfvars.json`: what the stacks are told. None where nothing is created. */
export function renderTfvars(model: ClusterModel, servers: Servers): [string, string][] {
  const { cloudflare } = model;
  if (cloudflare === null) return [];
  const common = { cluster: model.name, state: stateOf(cloudflare) };
  // Also of a provider without nodes: it may just have lost its last, whose server is still to be destroyed.
  const stacks: Record<string, object> = Object.fromEntries(
    CLOUDS.map((provider) => [
      provider,
      { ...common, ssh_public_key: model.sshPublicKey, servers: serversOf(model, provider) },
    ]),
  );
  stacks["cloudflare"] = {
    ...common,
    account_id: cloudflare.accountId,
    zone: cloudflare.zone,
    domain: model.domain,
    proxied: cloudflare.proxied,
    tunnel: cloudflare.tunnel,
    ingress: ingressOf(model, servers),
    backup_bucket: cloudflare.backupBucket,
    backup_lock_days: cloudflare.backupLockDays,
  };
  return Object.entries(stacks).map(([stack, values]) => [
    `tofu/stacks/${stack}/cluster.auto.tfvars.json`,
    `${JSON.stringify(values, null, 2)}\n`,
  ]);
}

function stateOf({ stateBucket, accountId }: Cloudflare): { bucket: string; endpoint: string } {
  return { bucket: stateBucket, endpoint: r2Endpoint(accountId) };
}

function serversOf({ nodes }: ClusterModel, provider: string): Record<string, object> {
  return Object.fromEntries(
    nodes
      .filter((node) => node.provider === provider)
      .map(({ name, role, region, size, arch, ingress }) => [
        name,
        { role, region, size, arch, ingress, protected: role === "master" },
      ]),
  );
}

/** A node without an address yet has no record yet. */
function ingressOf({ nodes }: ClusterModel, servers: Servers): Record<string, object> {
  return Object.fromEntries(
    nodes.flatMap(({ name, ingress }) => {
      const server = servers[name];
      if (!ingress || server === undefined || server.publicIp === "") return [];
      return [[name, { ipv4: server.publicIp, ipv6: server.publicIpv6 ?? null }]];
    }),
  );
}
