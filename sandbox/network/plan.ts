/** The places of one sandbox and their addresses. Pure: everything follows from the name and the index. */
export interface Plan {
  name: string;
  /** Unique on the machine, where another user may have a sandbox of the same name: names everything the kernel knows. */
  id: string;
  /** 0 to 15; the sandbox owns 198.18.(16 × index).0/20. */
  index: number;
  /** Names that this sandbox answers for besides the usual ones: of a git host, and of registries. */
  gitHost?: string;
  registries?: readonly string[];
}

export const CLOUDS = ["hetzner", "vultr", "aws", "existing"] as const;
export type Cloud = (typeof CLOUDS)[number];
/** A network is a bridge in the outer namespace; its place in the list is its number in the address. */
export const NETWORKS = ["services", ...CLOUDS, "operator", "internet"] as const;
export type Network = (typeof NETWORKS)[number];

/** Addresses of the world that programs have built in; they exist inside the outer namespace only. */
export const PUBLIC_RESOLVERS = ["1.1.1.1", "8.8.8.8"];

export type Place = "outer" | "operator" | "internet" | `host-${string}`;

export function prefix({ id }: Pick<Plan, "id">): string {
  return `infra-k3s-${id}`;
}

export function namespace(plan: Plan, place: Place): string {
  return `${prefix(plan)}-${place}`;
}

/** IPv4 of host number `host` in a network, as the internet sees it. */
export function ipv4({ index }: Plan, network: Network, host: number): string {
  return `198.18.${16 * index + NETWORKS.indexOf(network)}.${host}`;
}

/** A /48 for each network; a cloud gives each server the first address of a /64 of its own, as Hetzner and Vultr do. */
export function ipv6(plan: Plan, network: Network, host: number): string {
  const own = CLOUDS.some((cloud) => cloud === network) && host > GATEWAY;
  return own
    ? `${ipv6Prefix(plan, network)}:${host.toString(16)}::1`
    : `${ipv6Prefix(plan, network)}::${host.toString(16)}`;
}

function ipv6Prefix({ index }: Plan, network: Network): string {
  return `2001:db8:${(16 * index + NETWORKS.indexOf(network)).toString(16)}`;
}

/** A number for every server, 10 and up: a known one keeps the number its address ends with. */
export function hostNumbers(
  addresses: Readonly<Record<string, string>>,
  names: readonly string[],
): Record<string, number> {
  const numbers: Record<string, number> = {};
  for (const [name, address] of Object.entries(addresses)) numbers[name] = Number(address.split(".")[3]);
  for (const name of names) {
    const taken = new Set(Object.values(numbers));
    numbers[name] ??= [...Array(240).keys()].map((i) => i + 10).find((number) => !taken.has(number)) ?? 0;
  }
  return numbers;
}

/**
 * What an interface in this network carries: EC2 gives a private address and maps the public one onto it; an existing host is at
 * home, behind a NAT.
 */
export function interfaceIpv4(plan: Plan, network: Network, host: number): string {
  if (network === "aws") return `172.31.${16 * plan.index}.${host}`;
  return network === "existing" ? `192.168.${16 * plan.index}.${host}` : ipv4(plan, network, host);
}

export const GATEWAY = 1;

export function services(
  plan: Plan,
): Record<"dns" | "front" | "headscale" | "registry" | "r2" | "edge" | "git", string> {
  return {
    dns: ipv4(plan, "services", 53),
    front: ipv4(plan, "services", 10),
    headscale: ipv4(plan, "services", 11),
    registry: ipv4(plan, "services", 12),
    r2: ipv4(plan, "services", 13),
    edge: ipv4(plan, "services", 14),
    git: ipv4(plan, "services", 15),
  };
}

/** Cloudflare's edge answers by both protocols. */
export function edgeIpv6(plan: Plan): string {
  return ipv6(plan, "services", 14);
}

/** tailscaled probes its relays by both protocols, and waits 3 s for the one that does not answer. */
export function headscaleIpv6(plan: Plan): string {
  return ipv6(plan, "services", 11);
}
