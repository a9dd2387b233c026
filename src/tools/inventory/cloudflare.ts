import { z } from "zod";
import type { ClusterModel, Servers } from "../../config/model.ts";
import { hasBucket } from "../cloudflare/buckets.ts";
import { cloudflare, cloudflareList } from "../cloudflare/client.ts";
import { type Thing, thing } from "./thing.ts";

const Named = z.object({ id: z.string(), name: z.string() });
const Record = Named.extend({ type: z.string(), content: z.string(), comment: z.string().nullish() });
const provider = "cloudflare";

/** What of the cluster is in the account and in the zone; the state's own bucket and keys are not among it. */
export async function cloudflareThings(
  token: string,
  model: ClusterModel,
  servers: Servers,
): Promise<Thing[]> {
  const { cloudflare: at, domain, name: cluster } = model;
  if (at === null) return [];
  const account = `/accounts/${at.accountId}`;
  const zoneQuery = `/zones?name=${encodeURIComponent(at.zone)}&account.id=${at.accountId}`;
  const [zones, tokens, tunnels, hasBackups] = await Promise.all([
    cloudflareList(token, zoneQuery, Named),
    cloudflareList(token, `${account}/tokens`, Named),
    at.tunnel ? cloudflareList(token, `${account}/cfd_tunnel?is_deleted=false`, Named) : [],
    hasBucket(token, at, at.backupBucket),
  ]);
  const zone = zones[0]?.id;
  const records = zone === undefined ? [] : await cloudflareList(token, `/zones/${zone}/dns_records`, Record);
  const uses: Readonly<{ [use: string]: string }> = {
    dns01: "module.dns.cloudflare_account_token.dns01",
    "r2-backup": 'module.r2.cloudflare_account_token.r2["backup"]',
    "r2-drill": "module.r2.cloudflare_account_token.drill",
    "r2-etcd": 'module.r2.cloudflare_account_token.r2["etcd"]',
  };
  return [
    ...records
      .filter(({ comment }) => comment === `infra-k3s-cluster=${cluster}`)
      .map(({ id, name, type, content }) => {
        const where = name === domain ? "apex" : "wildcard";
        const node = Object.keys(servers).find((one) =>
          [servers[one]?.publicIp, servers[one]?.publicIpv6].includes(content),
        );
        const address =
          type === "CNAME"
            ? `module.tunnel[0].cloudflare_dns_record.tunnel["${where}"]`
            : `module.dns.cloudflare_dns_record.ingress["${where}-${node ?? content}-${type}"]`;
        return thing(
          { provider, type: "cloudflare_dns_record" },
          { id, name: `${type} ${name} ${content}`, address, importId: `${zone}/${id}` },
        );
      }),
    ...tokens
      .filter(({ name }) => name.startsWith(`infra-k3s ${cluster} `))
      .map(({ id, name }) => ({ id, name, use: name.slice(`infra-k3s ${cluster} `.length) }))
      .filter(({ use }) => !use.startsWith("state "))
      .map(({ id, name, use }) =>
        thing(
          { provider, type: "cloudflare_account_token" },
          { id, name, address: uses[use] ?? "", importId: `${at.accountId}/${id}` },
        ),
      ),
    ...tunnels
      .filter(({ name }) => name === `infra-k3s-${cluster}`)
      .map(({ id, name }) =>
        thing(
          { provider, type: "cloudflare_zero_trust_tunnel_cloudflared" },
          {
            id,
            name,
            address: "module.tunnel[0].cloudflare_zero_trust_tunnel_cloudflared.this",
            importId: `${at.accountId}/${id}`,
          },
        ),
      ),
    ...(hasBackups
      ? [
          thing(
            { provider, type: "cloudflare_r2_bucket" },
            {
              id: at.backupBucket,
              name: at.backupBucket,
              address: "module.r2.cloudflare_r2_bucket.backups",
              importId: `${at.accountId}/${at.backupBucket}`,
              billed: true,
            },
          ),
        ]
      : []),
  ];
}

/** Of tokens and records alone: a bucket has its own way out. */
export async function cloudflareDelete(
  token: string,
  { accountId }: { accountId: string },
  gone: Thing,
): Promise<void> {
  const path =
    gone.type === "cloudflare_account_token"
      ? `/accounts/${accountId}/tokens/${gone.id}`
      : `/zones/${gone.importId.replace("/", "/dns_records/")}`;
  await cloudflare(token, "DELETE", path, z.unknown());
}
