import { formatPath } from "./diagnostic.ts";
import { disjointNetworks, networksOfSize } from "./network-rules.ts";
import { archOfSize, placesOfShape, reachableIngress, uniqueAddresses } from "./node-rules.ts";
import { entriesOf, namesOf } from "./nodes.ts";
import type { Rule, RuleFault } from "./rule.ts";
import type { RawCluster } from "./schema.ts";
import { countableSnapshots } from "./snapshots.ts";

/** What no single field can tell. */
export const rules: readonly Rule[] = [
  oneMaster,
  uniqueNames,
  placeOrAddress,
  placesOfShape,
  archOfSize,
  uniqueAddresses,
  reachableIngress,
  disjointNetworks,
  networksOfSize,
  k3sHealsFlannel,
  needsCloudflare,
  domainInZone,
  ownBuckets,
  countableSnapshots,
  oneWayIn,
  gitopsComplete,
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
        why: "the master runs the Kubernetes API and etcd; workers join it",
        suggestion: "give exactly one node `role: master`",
      },
    ];
  }
  return masters.slice(1).map((index) => ({
    at: ["nodes", index, "role"],
    where: "value" as const,
    code: "several-masters",
    message: `${nodes[index]?.name} would be a second master, beside ${nodes[masters[0] ?? 0]?.name}`,
    why: "more than one master is not supported yet",
    suggestion: "make this node `role: worker`",
  }));
}

function uniqueNames(cluster: RawCluster): RuleFault[] {
  const names = namesOf(cluster);
  const told = new Set<string>();
  return names.flatMap(({ name, at }, index) => {
    const first = names.findIndex((other) => other.name === name);
    const place = formatPath(at);
    // Of a pool that collides the first node is enough.
    if (first === index || told.has(place)) return [];
    told.add(place);
    return [
      {
        at: [...at, "name"],
        where: "value" as const,
        code: "duplicate-name",
        message: `the name ${name} is taken by ${formatPath(names[first]?.at ?? [])}`,
        why: "Kubernetes and the tailnet know a node by its name",
        suggestion:
          at[0] === "pools"
            ? "give the pool another name, or the other node"
            : "give each node a name of its own",
      },
    ];
  });
}

const WANTED: Readonly<Record<"region" | "size" | "address", string>> = {
  region: "the server is created there",
  size: "the server is created with it",
  address: "the master is what all others join, and the way to hosts behind a NAT",
};
const FOREIGN: typeof WANTED = {
  region: "the host stands where it is",
  size: "the host is as large as it is",
  address: "the provider chooses the address of a server that is created",
};

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
          why: WANTED[field],
          suggestion: `add \`${field}:\` to ${node.name}`,
        })),
      ...foreign
        .filter((field) => node[field] !== undefined)
        .map((field) => ({
          at: ["nodes", index, field],
          where: "key" as const,
          code: "unused-field",
          message: `\`${field}\` has no meaning for a node of provider ${node.provider}`,
          why: FOREIGN[field],
          suggestion: `remove \`${field}:\` from ${node.name}`,
        })),
    ];
  });
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
      message: `${k3s.version} is refused`,
      why: "it loses its pod network when tailscaled restarts (k3s-io/k3s#14117)",
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
      message: `\`${key}\` needs \`cloudflare\``,
      why: "its bucket is made at Cloudflare R2, in your account",
      suggestion: `add \`cloudflare:\` with \`accountId:\`, or remove \`${key}:\``,
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
      why: "the domain's names become records of that zone",
      suggestion: `name the zone that has ${domain}, or remove \`zone:\` if the domain is the zone itself`,
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
      why: "the backups' key would open the state, and locked backups would lock it",
      suggestion: "give each a bucket of its own",
    },
  ];
}

function oneWayIn(cluster: RawCluster): RuleFault[] {
  const { cloudflare } = cluster;
  if (cloudflare === undefined) return [];
  const ingress = entriesOf(cluster).filter(({ entry }) => entry.ingress);
  if (cloudflare.tunnel) {
    return [
      ...ingress.map(({ at }) => ({
        at: [...at, "ingress"],
        where: "value" as const,
        code: "tunnel-and-ingress",
        message: "a tunnel and an ingress node exclude each other",
        why: "with a tunnel nothing comes in at a node's own address: 80 and 443 stay closed",
        suggestion: "remove `ingress: true`, or `tunnel: true`",
      })),
      ...(cloudflare.proxied
        ? [
            {
              at: ["cloudflare", "proxied"],
              where: "value" as const,
              code: "tunnel-and-proxied",
              message: "`proxied` has no meaning with a tunnel",
              why: "a tunnel's names always lead to Cloudflare's edge",
              suggestion: "remove `proxied:`",
            },
          ]
        : []),
    ];
  }
  if (ingress.some(({ entry }) => !("count" in entry) || entry.count > 0)) return [];
  return [
    {
      at: ["cloudflare"],
      where: "key",
      code: "no-ingress",
      message: "the domain's names would lead to no node",
      why: "`cloudflare` makes records for the nodes that take requests in, and there is none",
      suggestion: "give a node `ingress: true`, or use `tunnel: true`",
    },
  ];
}

/** Its certificate is proven by DNS, and its names lead to it by DNS: both are Cloudflare's. */
function gitopsComplete({ gitops, tls, cloudflare }: RawCluster): RuleFault[] {
  if (gitops === undefined) return [];
  const faults: RuleFault[] = [];
  if (cloudflare === undefined) {
    faults.push({
      at: ["gitops"],
      where: "key",
      code: "needs-cloudflare",
      message: "`gitops` needs `cloudflare`",
      why: "the domain's names and certificates come by its zone at Cloudflare",
      suggestion: "add `cloudflare:` with `accountId:`",
    });
  }
  if (tls?.email === undefined) {
    faults.push({
      at: tls === undefined ? ["gitops"] : ["tls"],
      where: "key",
      code: "missing-email",
      message: "`gitops` needs an e-mail address",
      why: "Let's Encrypt opens the cluster's account with it, and writes to it",
      suggestion: "add `tls: { email: you@example.com }`",
    });
  }
  return faults;
}
