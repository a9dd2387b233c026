import type { CloudProvider } from "./model.ts";
import { entriesOf, type RawNode, type RawPool } from "./nodes.ts";
import type { RuleFault } from "./rule.ts";
import type { RawCluster } from "./schema.ts";

/** How a provider writes its names. Which there are only it can say: `plan` asks. */
interface Names {
  region: RegExp;
  size: RegExp;
  examples: Readonly<Record<"region" | "size", string>>;
}

const NAMES: Readonly<Record<CloudProvider, Names>> = {
  hetzner: {
    region: /^[a-z]{3}\d?$/,
    size: /^[a-z]{2,4}\d{1,3}$/,
    examples: { region: "fsn1", size: "cx33" },
  },
  vultr: {
    region: /^[a-z]{3}$/,
    size: /^v[a-z0-9]+(-[a-z0-9.]+)+$/,
    examples: { region: "fra", size: "vc2-2c-4gb" },
  },
  aws: {
    region: /^[a-z]{2}(-[a-z]+){1,3}-\d$/,
    size: /^[a-z][a-z0-9-]*\.[a-z0-9-]+$/,
    examples: { region: "eu-central-1", size: "t3.medium" },
  },
};

export function placesOfShape(cluster: RawCluster): RuleFault[] {
  return entriesOf(cluster).flatMap(({ entry, at }) => {
    const { provider } = entry;
    if (provider === "existing") return [];
    return (["region", "size"] as const).flatMap((field): RuleFault[] => {
      const written = entry[field];
      if (written === undefined || NAMES[provider][field].test(written)) return [];
      return [
        {
          at: [...at, field],
          where: "value",
          code: `unknown-${field}`,
          message: `${provider} has no ${field} "${written}"`,
          why: `its ${field}s are named like ${NAMES[provider].examples[field]}`,
          suggestion: meantPlace(written, field, provider),
        },
      ];
    });
  });
}

function meantPlace(written: string, field: "region" | "size", provider: CloudProvider): string {
  const [{ [field]: shape }, lower] = [NAMES[provider], written.toLowerCase()];
  // Hetzner's data centres and AWS's availability zones lie in a region, and are named after it.
  const region = field === "region" ? lower.replace(/-dc\d+$/, "").replace(/(\d)[a-z]$/, "$1") : lower;
  if (shape.test(region)) return `did you mean "${region}"?`;
  const other = (Object.keys(NAMES) as CloudProvider[]).find((name) => NAMES[name][field].test(lower));
  const list = "`infra-k3s plan` asks the provider which there are";
  return other === undefined ? list : `it looks like one of ${other}: correct \`provider:\`, or the ${field}; ${list}`; // prettier-ignore
}

/** Of the sizes whose name tells: Hetzner's cax, and AWS's Graviton families (a1, t4g, m7gd). */
function archOf({ provider, size = "" }: RawNode | RawPool): "amd64" | "arm64" | undefined {
  if (provider === "vultr") return "amd64";
  if (provider === "hetzner") return size.startsWith("cax") ? "arm64" : "amd64";
  if (provider === "aws") return /^(a1|[a-z]+\d+g[a-z]*)\./.test(size) ? "arm64" : "amd64";
  return undefined;
}

export function archOfSize(cluster: RawCluster): RuleFault[] {
  return entriesOf(cluster).flatMap(({ entry, at }): RuleFault[] => {
    const arch = archOf(entry);
    if (entry.size === undefined || arch === undefined || arch === entry.arch) return [];
    return [
      {
        at: [...at, entry.arch === "amd64" ? "size" : "arch"],
        where: "value",
        code: "wrong-arch",
        message: `${entry.size} is ${arch}, and ${entry.name} is declared ${entry.arch}`,
        why: "the programs of one architecture don't run on the other",
        suggestion: arch === "arm64" ? "add `arch: arm64`, or choose another size" : "remove `arch: arm64`, or choose another size", // prettier-ignore
      },
    ];
  });
}

export function uniqueAddresses({ nodes }: RawCluster): RuleFault[] {
  return nodes.flatMap(({ address }, index): RuleFault[] => {
    const first = nodes.findIndex((other) => other.address === address);
    if (address === undefined || first === index) return [];
    return [
      {
        at: ["nodes", index, "address"],
        where: "value",
        code: "duplicate-address",
        message: `${address} is the address of ${nodes[first]?.name} too`,
        why: "a host can be one node only",
        suggestion: "give the host's own address, or remove one of the two nodes",
      },
    ];
  });
}

export function reachableIngress({ nodes }: RawCluster): RuleFault[] {
  return nodes.flatMap(({ name, provider, address, ingress, role }, index): RuleFault[] => {
    // A master without an address is refused as such.
    if (!ingress || provider !== "existing" || address !== undefined || role === "master") return [];
    return [
      {
        at: ["nodes", index, "ingress"],
        where: "value",
        code: "unreachable-ingress",
        message: `nothing comes in at ${name}`,
        why: "an existing host without `address:` is one behind a NAT",
        suggestion: "remove `ingress: true`, or give the `address:` at which the internet reaches it",
      },
    ];
  });
}
