import ipaddr from "ipaddr.js";
import { z } from "zod";

const label = (max: number) =>
  z
    .string()
    .max(max)
    .regex(/^[a-z]([a-z0-9-]*[a-z0-9])?$/, {
      error: "must be lowercase letters, digits and '-', starting with a letter and not ending with '-'",
    });

const cidr = z.string().refine((text) => networkAddress(text) === text, {
  error: (issue) => cidrFault(String(issue.input)),
});

function networkAddress(text: string): string | undefined {
  if (!ipaddr.IPv4.isValidCIDR(text)) return undefined;
  return `${ipaddr.IPv4.networkAddressFromCIDR(text).toString()}/${text.split("/")[1]}`;
}

function cidrFault(text: string): string {
  const network = networkAddress(text);
  return network === undefined
    ? "must be an IPv4 network such as 10.42.0.0/16"
    : `has host bits set; did you mean ${network}?`;
}

export const NodeSchema = z.strictObject({
  name: label(30).describe("The node's name in Kubernetes; unique in the cluster."),
  role: z.enum(["master", "worker"]).describe("master: control plane and etcd. worker: runs workloads."),
  provider: z
    .enum(["hetzner", "vultr", "aws", "existing"])
    .describe("Where the server stands. existing: a host you bring."),
  region: z.string().min(1).optional().describe("The provider's own name of the region, e.g. fsn1, fra."),
  size: z.string().min(1).optional().describe("The provider's own name of the server type, e.g. cx33."),
  address: z
    .string()
    .min(1)
    .optional()
    .describe("Address of an existing host; left out where nothing from outside reaches it."),
  arch: z.enum(["amd64", "arm64"]).default("amd64").describe("Processor architecture."),
  ingress: z.boolean().default(false).describe("Lets HTTP and HTTPS in from the internet on this node."),
});

const bucket = z
  .string()
  .min(3)
  .max(63)
  .regex(/^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/, { error: "must be lowercase letters, digits and '-'" });

const domain = z.string().regex(/^([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}$/, {
  error: "must be a domain name such as example.com",
});

/** `cluster.yaml` as a user writes it; unknown keys are errors. */
export const ClusterSchema = z.strictObject({
  name: label(30).describe("The cluster's name; labels everything it owns."),
  domain: domain.describe("The domain whose names the cluster serves."),
  k3s: z.strictObject({
    version: z
      .string()
      .regex(/^v\d+\.\d+\.\d+\+k3s\d+$/, { error: "must be a K3s release such as v1.36.3+k3s1" })
      .describe("The K3s release."),
  }),
  network: z
    .strictObject({
      podCidr: cidr.default("10.42.0.0/16").describe("Network of the pods."),
      serviceCidr: cidr.default("10.43.0.0/16").describe("Network of the Services."),
    })
    .prefault({}),
  mesh: z
    .strictObject({
      tailnet: z
        .string()
        .min(1)
        .default("-")
        .describe("Tailscale's name of the tailnet; '-' is the client's own."),
      tag: z
        .string()
        .regex(/^tag:[a-z][a-z0-9-]*$/, { error: "must be a Tailscale tag such as tag:k3s" })
        .default("tag:k3s")
        .describe("Tag every node carries; the OAuth client must own it."),
    })
    .prefault({}),
  ssh: z
    .strictObject({
      publicKey: z
        .string()
        .regex(/^(ssh-ed25519|ecdsa-sha2-nistp256|ssh-rsa) [A-Za-z0-9+/=]+( .*)?$/, {
          error: "must be a public key such as 'ssh-ed25519 AAAA…'",
        })
        .optional()
        .describe("The public key that new servers let in; `init` writes yours."),
    })
    .prefault({}),
  cloudflare: z
    .strictObject({
      accountId: z
        .string()
        .regex(/^[0-9a-f]{32}$/, { error: "must be the account's id: 32 hexadecimal digits" })
        .describe("The Cloudflare account that has the zone and the buckets."),
      zone: domain.optional().describe("The zone the domain lies in; default: the domain itself."),
      proxied: z.boolean().default(false).describe("Puts Cloudflare's edge in front of the nodes."),
      tunnel: z.boolean().default(false).describe("Takes requests in by a tunnel; 80 and 443 stay closed."),
    })
    .optional()
    .describe("With it OpenTofu creates the servers, DNS and buckets; without, you bring servers.json."),
  backups: z
    .strictObject({
      bucket: bucket.optional().describe("The bucket of the backups; default: NAME-backups."),
      lockDays: z
        .int()
        .min(0)
        .max(3650)
        .default(7)
        .describe("For so many days nobody can overwrite or delete a backup."),
    })
    .optional(),
  state: z
    .strictObject({
      bucket: bucket.optional().describe("The bucket of OpenTofu's state; default: NAME-state."),
    })
    .optional(),
  nodes: z.array(NodeSchema).min(1),
});

export type RawCluster = z.output<typeof ClusterSchema>;
export type RawNode = z.output<typeof NodeSchema>;

export const ServersSchema = z.record(
  z.string(),
  z
    .strictObject({
      publicIp: z.union([z.ipv4(), z.ipv6(), z.literal("")]),
      meshIp: z.ipv4().optional(),
      publicIpv6: z.union([z.ipv6(), z.null()]).optional(),
      id: z.string().optional(),
      sshUser: z.string().regex(/^[a-z_][a-z0-9_-]*$/),
      sshHostKey: z.string().regex(/^(ssh-ed25519|ecdsa-sha2-nistp256|ssh-rsa) [A-Za-z0-9+/=]+$/, {
        error: "must be a public host key such as 'ssh-ed25519 AAAA…' without a comment",
      }),
    })
    .refine(({ publicIp, meshIp }) => publicIp !== "" || meshIp !== undefined, {
      path: ["publicIp"],
      error: "is empty, and there is no meshIp to reach the host by",
    }),
);
