import ipaddr from "ipaddr.js";
import type { DataPath } from "./diagnostic.ts";
import type { RawCluster } from "./schema.ts";
import type { Fault } from "./source.ts";

export interface RuleFault extends Fault {
  at: DataPath;
  where: "key" | "value";
}

/** What no single field can tell: every rule looks at the whole file and reports all it finds. */
export const rules: readonly ((cluster: RawCluster) => RuleFault[])[] = [
  oneMaster,
  uniqueNames,
  placeOrAddress,
  disjointNetworks,
  k3sHealsFlannel,
  needsCloudflare,
  domainInZone,
  ownBuckets,
  oneWayIn,
];

function oneMaster({ nodes }: RawCluster): RuleFault[] {
  const masters = nodes.flatMap((node, index) => (node.role === "master" ? [index] : []));
  if (masters.length === 0) {
    return [
      {
        at: ["nodes"],
        where: "key",
        code: "no-master",
        message: "no node has the role master",
        suggestion: "give exactly one node `role: master`",
      },
    ];
  }
  return masters.slice(1).map((index) => ({
    at: ["nodes", index, "role"],
    where: "value" as const,
    code: "several-masters",
    message: "more than one master is not supported yet",
    suggestion: "keep one master; make this node `role: worker`",
  }));
}

function uniqueNames({ nodes }: RawCluster): RuleFault[] {
  return nodes.flatMap((node, index) => {
    const first = nodes.findIndex((other) => other.name === node.name);
    return first === index
      ? []
      : [
          {
            at: ["nodes", index, "name"],
            where: "value" as const,
            code: "duplicate-name",
            message: `the name ${node.name} is taken by nodes[${first}]`,
            suggestion: "node names must be unique in the cluster",
          },
        ];
  });
}

function placeOrAddress({ nodes }: RawCluster): RuleFault[] {
  return nodes.flatMap((node, index) => {
    // Without an address an existing host is one behind a NAT; the master is the way to those and can't be one.
    const [wanted, foreign] =
      node.provider === "existing"
        ? ([node.role === "master" ? (["address"] as const) : [], ["region", "size"]] as const)
        : ([["region", "size"], ["address"]] as const);
    return [
      ...wanted
        .filter((field) => node[field] === undefined)
        .map((field) => ({
          at: ["nodes", index, "provider"],
          where: "value" as const,
          code: "missing-field",
          message: `a node of provider ${node.provider} needs \`${field}\``,
          suggestion: `add \`${field}:\` to ${node.name}`,
        })),
      ...foreign
        .filter((field) => node[field] !== undefined)
        .map((field) => ({
          at: ["nodes", index, field],
          where: "key" as const,
          code: "unused-field",
          message: `\`${field}\` has no meaning for a node of provider ${node.provider}`,
          suggestion: `remove \`${field}:\` from ${node.name}`,
        })),
    ];
  });
}

/** Tailscale hands out 100.64.0.0/10; a pod or Service there would be unreachable. */
const TAILNET = "100.64.0.0/10";

function disjointNetworks({ network }: RawCluster): RuleFault[] {
  const faults: RuleFault[] = [];
  const clash = (field: "podCidr" | "serviceCidr", other: string, owner: string): void => {
    if (!overlap(network[field], other)) return;
    faults.push({
      at: ["network", field],
      where: "value",
      code: "overlapping-networks",
      message: `${network[field]} overlaps ${other}, ${owner}`,
      suggestion: "choose a private network that nothing else uses, e.g. 10.42.0.0/16",
    });
  };
  clash("podCidr", TAILNET, "the addresses of the tailnet");
  clash("serviceCidr", TAILNET, "the addresses of the tailnet");
  clash("serviceCidr", network.podCidr, "the network of the pods");
  return faults;
}

function overlap(a: string, b: string): boolean {
  const [addressA, prefixA] = ipaddr.IPv4.parseCIDR(a);
  const [addressB, prefixB] = ipaddr.IPv4.parseCIDR(b);
  const prefix = Math.min(prefixA, prefixB);
  return addressA.match(addressB, prefix);
}

/**
 * The first patch release per minor version in which flannel survives the re-creation of tailscale0.
 * Source: https://github.com/k3s-io/k3s/issues/14117 and its backports 14114 to 14116.
 */
const FIRST_HEALING_PATCH: Readonly<Record<number, number>> = { 33: 13, 34: 9, 35: 6, 36: 2 };

function k3sHealsFlannel({ k3s }: RawCluster): RuleFault[] {
  const [, minor, patch] = /^v1\.(\d+)\.(\d+)/.exec(k3s.version)?.map(Number) ?? [];
  if (minor === undefined || patch === undefined) return [];
  const first = FIRST_HEALING_PATCH[minor] ?? (minor < 33 ? Infinity : 0);
  if (patch >= first) return [];
  return [
    {
      at: ["k3s", "version"],
      where: "value",
      code: "k3s-too-old",
      message: `${k3s.version} loses its pod network when tailscaled restarts (k3s-io/k3s#14117)`,
      suggestion: "use v1.36.2+k3s1, v1.35.6+k3s1, v1.34.9+k3s1, v1.33.13+k3s1 or newer",
    },
  ];
}

/** Buckets are R2's, and there is none without an account. */
function needsCloudflare(cluster: RawCluster): RuleFault[] {
  return (["backups", "state"] as const)
    .filter((key) => cluster[key] !== undefined && cluster.cloudflare === undefined)
    .map((key) => ({
      at: [key],
      where: "key" as const,
      code: "needs-cloudflare",
      message: `\`${key}\` names a bucket at Cloudflare, but there is no \`cloudflare\``,
      suggestion: "add `cloudflare:` with `accountId:`",
    }));
}

function domainInZone({ domain, cloudflare }: RawCluster): RuleFault[] {
  const zone = cloudflare?.zone;
  if (zone === undefined || domain === zone || domain.endsWith(`.${zone}`)) return [];
  return [
    {
      at: ["cloudflare", "zone"],
      where: "value",
      code: "domain-outside-zone",
      message: `${domain} does not lie in the zone ${zone}`,
      suggestion: "the domain is the zone, or a name in it",
    },
  ];
}

/** State must outlive what it tells of, and its key must open nothing else. */
function ownBuckets({ name, backups, state }: RawCluster): RuleFault[] {
  const [backup, tofu] = [backups?.bucket ?? `${name}-backups`, state?.bucket ?? `${name}-state`];
  if (backup !== tofu) return [];
  return [
    {
      at: backups?.bucket === undefined ? ["state", "bucket"] : ["backups", "bucket"],
      where: "value",
      code: "same-bucket",
      message: `backups and OpenTofu's state can't share the bucket ${backup}`,
      suggestion: "give each a bucket of its own",
    },
  ];
}

function oneWayIn({ cloudflare, nodes }: RawCluster): RuleFault[] {
  if (cloudflare === undefined) return [];
  const ingress = nodes.flatMap((node, index) => (node.ingress ? [index] : []));
  if (cloudflare.tunnel) {
    return [
      ...ingress.map((index) => ({
        at: ["nodes", index, "ingress"],
        where: "value" as const,
        code: "tunnel-and-ingress",
        message: "with a tunnel nothing comes in at a node's own address",
        suggestion: "remove `ingress: true`, or `tunnel: true`",
      })),
      ...(cloudflare.proxied
        ? [
            {
              at: ["cloudflare", "proxied"],
              where: "value" as const,
              code: "tunnel-and-proxied",
              message: "a tunnel's names are always proxied",
              suggestion: "remove `proxied:`",
            },
          ]
        : []),
    ];
  }
  if (ingress.length > 0) return [];
  return [
    {
      at: ["cloudflare"],
      where: "key",
      code: "no-ingress",
      message: "the domain's names would lead to no node",
      suggestion: "give a node `ingress: true`, or use `tunnel: true`",
    },
  ];
}
