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
  /** Null where the cluster follows no git repository. */
  gitops: Gitops | null;
  /** How the master tells what is wrong; where to is the operator's secret. */
  report: { kind: "webhook" | "ping"; everyMinutes: number };
  /** K3s's own, of etcd. */
  snapshots: {
    everyMinutes: number;
    /** So many stay in R2: more than the bucket's lock holds, since what it holds can't be deleted. */
    keep: number;
  };
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
  /** When Velero saves the volumes, in UTC, and for how long it keeps that. */
  volumeBackups: { schedule: string; ttl: string };
}

/** The git repository that the cluster follows, and who vouches for its names. */
export interface Gitops {
  /** Always in the form `ssh://user@host[:port]/path`; the port only where it is not 22. */
  repository: string;
  host: string;
  port: number;
  branch: string;
  /** `ssh-ed25519 AAAA…`, pinned. */
  hostKeys: readonly string[];
  /** Of the account at Let's Encrypt. */
  email: string;
  issuer: "staging" | "production";
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

/** Folders of `kubernetes/infrastructure`, in the order in which ArgoCD waits for one before the next. */
export const INFRASTRUCTURE = [
  "gateway-api",
  "cert-manager",
  "issuers",
  "traefik",
  "gateway",
  "local-path",
  "velero",
  "tunnel",
] as const;
export type InfrastructureName = (typeof INFRASTRUCTURE)[number];

/** What of it a cluster uses; without GitOps only what K3s itself is given. */
export function infrastructureOf({ gitops, cloudflare }: ClusterModel): InfrastructureName[] {
  if (gitops === null) return ["local-path"];
  return INFRASTRUCTURE.filter((part) => part !== "tunnel" || cloudflare?.tunnel === true);
}

/** What of `kubernetes/` a cluster uses; without GitOps, where nothing builds a kustomization, the one manifest for K3s. */
export function kubernetesOf(model: ClusterModel): string[] {
  if (model.gitops === null) return ["infrastructure/local-path/local-path.yaml"];
  return ["bootstrap", ...infrastructureOf(model).map((part) => `infrastructure/${part}`)].map(
    (folder) => `${folder}/**/*`,
  );
}

/** Whether its volumes are saved, too. */
export function hasVelero(model: ClusterModel): boolean {
  return infrastructureOf(model).includes("velero");
}

/** R2 of one account: https://developers.cloudflare.com/r2/api/s3/api/ */
export function r2Endpoint(accountId: string): string {
  return `https://${accountId}.r2.cloudflarestorage.com`;
}

/** Where etcd's snapshots lie in the backups' bucket; the bucket's lock names it, too (tofu/modules/cloudflare-r2). */
export const ETCD_FOLDER = "etcd";

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
