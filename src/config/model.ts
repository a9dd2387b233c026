/** What a cluster is, with every default, name and order derived once: no optional fields. */
export interface ClusterModel {
  name: string;
  domain: string;
  k3s: { version: string };
  network: { podCidr: string; serviceCidr: string; clusterDns: string };
  mesh: { tailnet: string; tag: string };
  /** Empty until `init` or the user has written it. */
  sshPublicKey: string;
  /** Null where the servers are brought by hand, and nothing is created. */
  cloudflare: Cloudflare | null;
  /** Masters first, otherwise in the file's order. */
  nodes: readonly ClusterNode[];
}

export interface Cloudflare {
  accountId: string;
  zone: string;
  proxied: boolean;
  tunnel: boolean;
  stateBucket: string;
  backupBucket: string;
  backupLockDays: number;
}

export type Role = "master" | "worker";
export type Provider = "hetzner" | "vultr" | "aws" | "existing";
export type Arch = "amd64" | "arm64";

export interface ClusterNode {
  name: string;
  role: Role;
  provider: Provider;
  /** Empty for an `existing` host. */
  region: string;
  /** Empty for an `existing` host. */
  size: string;
  arch: Arch;
  /** The node's firewall lets 80 and 443 in. */
  ingress: boolean;
  /** The host's address where the user gave one (`existing`), else empty: it is known once created. */
  address: string;
  /** Nothing from outside reaches the host, an `existing` one without an address: it joins the mesh itself, and SSH goes through that. */
  behindNat: boolean;
  /** The node's name in the tailnet: unique among clusters that share one. */
  meshName: string;
}

/** What a server is known by after creation; the shape of a tofu output. */
export interface Server {
  /** Empty where nothing from outside reaches the host; then `meshIp` is given, and SSH goes there over the master. */
  publicIp: string;
  meshIp?: string | undefined;
  /** Null or left out: it has none. */
  publicIpv6?: string | null | undefined;
  /** The provider's own, of a server that OpenTofu created. */
  id?: string | undefined;
  sshUser: string;
  /** `ssh-ed25519 AAAA…`, pinned. */
  sshHostKey: string;
}

/** Providers at which servers are created. */
export const CLOUDS = ["hetzner", "vultr", "aws"] as const;
export type CloudProvider = (typeof CLOUDS)[number];

/** One stack of OpenTofu per provider, with a state and credentials of its own. */
export const STACKS = [...CLOUDS, "cloudflare"] as const;
export type StackName = (typeof STACKS)[number];

/** The stacks a cluster uses: the clouds its nodes stand in, and Cloudflare. */
export function stacksOf({ cloudflare, nodes }: ClusterModel): StackName[] {
  if (cloudflare === null) return [];
  return STACKS.filter((stack) => stack === "cloudflare" || nodes.some((node) => node.provider === stack));
}

/** R2 of one account: https://developers.cloudflare.com/r2/api/s3/api/ */
export function r2Endpoint(accountId: string): string {
  return `https://${accountId}.r2.cloudflarestorage.com`;
}

export type Servers = Readonly<Record<string, Server>>;

/** Where SSH finds the server. */
export function sshAddress({ publicIp, meshIp }: Server): string {
  return publicIp || (meshIp ?? "");
}

/** The one master: configuration refuses none and more than one. */
export function masterOf(model: ClusterModel): ClusterNode {
  const [first] = model.nodes;
  if (first?.role !== "master") throw new Error("a validated cluster has a master first");
  return first;
}
