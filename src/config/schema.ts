import ipaddr from "ipaddr.js";
import { z } from "zod";
import { GitopsSchema, TlsSchema } from "./gitops.ts";
import { NodeSchema, PoolSchema } from "./nodes.ts";
import { dashed, label, shaped } from "./shape.ts";
import { DEFAULT_MINUTES } from "./snapshots.ts";
import { VolumeBackupsSchema } from "./volume-backups.ts";

const cidr = shaped(/^\d+\.\d+\.\d+\.\d+\/\d+$/, "must be an IPv4 network such as 10.42.0.0/16").refine(
  (text) => networkAddress(text) === text,
  { error: (issue) => cidrFault(String(issue.input)) },
);

export const DEFAULT_SERVICES = "10.43.0.0/16";

function networkAddress(text: string): string | undefined {
  if (!ipaddr.IPv4.isValidCIDR(text)) return undefined;
  return `${ipaddr.IPv4.networkAddressFromCIDR(text).toString()}/${text.split("/")[1]}`;
}

function cidrFault(text: string): string {
  const network = networkAddress(text);
  return network === undefined
    ? "must be an IPv4 network such as 10.42.0.0/16"
    : `has host bits set; did you mean "${network}"?`;
}

const bucket = shaped(
  /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/,
  "must be lowercase letters, digits and '-', not ending with '-'",
  dashed,
)
  .min(3)
  .max(63);

/** What a cron specification can say as "every so often": https://docs.k3s.io/cli/etcd-snapshot */
const isRegular = (minutes: number) =>
  minutes <= 60 ? 60 % minutes === 0 : minutes % 60 === 0 && 24 % (minutes / 60) === 0;

const SnapshotsSchema = z.strictObject({
  everyMinutes: z
    .int()
    .min(5)
    .max(1440)
    .refine(isRegular, { error: "must divide an hour, or be hours that divide a day" })
    .default(DEFAULT_MINUTES)
    .describe("How often a snapshot of etcd is taken: what is lost at most, in minutes."),
});

const domain = shaped(
  /^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}$/,
  "must be a domain name such as example.com, in lowercase",
  (text) => text.toLowerCase().replaceAll(/^([a-z]+:\/\/)?(\*\.)?|[/.].?$/g, ""),
).max(253);

/** `latest` is no release: two runs must make the same cluster. */
function k3sRelease(text: string): string {
  const [, numbers, build = "1"] = /^v?(\d+\.\d+\.\d+)(?:[+-]k3s(\d+))?$/i.exec(text) ?? [];
  return numbers === undefined ? "" : `v${numbers}+k3s${build}`;
}

/** `cluster.yaml` as a user writes it; unknown keys are errors. */
export const ClusterSchema = z.strictObject({
  name: label(30)
    .describe("The cluster's name; labels everything it owns at the clouds.")
    .meta({ examples: ["prod"] }),
  domain: domain.describe("The domain whose names the cluster serves.").meta({ examples: ["example.com"] }),
  k3s: z
    .strictObject({
      version: shaped(/^v\d+\.\d+\.\d+\+k3s\d+$/, "must be a K3s release such as v1.36.3+k3s1", k3sRelease)
        .describe("The K3s release; kubectl follows it.")
        .meta({ examples: ["v1.36.3+k3s1"] }),
    })
    .describe("The Kubernetes that is installed."),
  network: z
    .strictObject({
      podCidr: cidr
        .default("10.42.0.0/16")
        .describe("Network of the pods, a /24 of it for each node; it can't be changed later."),
      serviceCidr: cidr
        .default(DEFAULT_SERVICES)
        .describe("Network of the Services; it can't be changed later."),
    })
    .prefault({})
    .describe("The cluster's own networks. They must overlap nothing that nodes or pods reach."),
  mesh: z
    .strictObject({
      tailnet: z
        .string()
        .min(1)
        .default("-")
        .describe("Tailscale's name of the tailnet; '-' is the client's own."),
      tag: shaped(/^tag:[a-z][a-z0-9-]*$/, "must be a Tailscale tag such as tag:k3s", (text) => `tag:${dashed(text.replace(/^tags?:/i, ""))}`) // prettier-ignore
        .default("tag:k3s")
        .describe("Tag every node carries; the OAuth client must own it."),
    })
    .prefault({})
    .describe("The Tailscale network that joins the nodes."),
  ssh: z
    .strictObject({
      publicKey: z
        .string()
        .regex(/^(ssh-ed25519|ecdsa-sha2-nistp256|ssh-rsa) [A-Za-z0-9+/=]+( .*)?$/, {
          error: ({ input }) =>
            String(input).includes("PRIVATE KEY")
              ? "is a private key, which belongs in no repository; write the public one, from the file that ends in .pub"
              : "must be a public key such as 'ssh-ed25519 AAAA…'; `ssh-keygen -y -f FILE` prints the one of a private key",
        })
        .optional()
        .describe("The public key that new servers let in; `init` writes yours.")
        .meta({
          examples: ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl you"],
        }),
    })
    .prefault({})
    .describe("Who gets into the servers."),
  cloudflare: z
    .strictObject({
      accountId:
        shaped(/^[0-9a-f]{32}$/, "must be the account's id: 32 hexadecimal digits", (text) => text.toLowerCase().replaceAll("-", "")) // prettier-ignore
          .describe(
            "The Cloudflare account that has the zone and the buckets; the dashboard shows its id beside each zone.",
          ) // prettier-ignore
          .meta({ examples: ["0123456789abcdef0123456789abcdef"] }),
      zone: domain
        .optional()
        .describe("The zone the domain lies in; left out: the domain itself.")
        .meta({ examples: ["example.com"] }),
      proxied: z
        .boolean()
        .default(false)
        .describe("Puts Cloudflare's edge in front of the nodes; 80 and 443 are open to it alone."),
      tunnel: z.boolean().default(false).describe("Takes requests in by a tunnel; 80 and 443 stay closed."),
    })
    .optional()
    .describe("With it OpenTofu creates the servers, DNS and buckets; without, you bring servers.json."),
  backups: z
    .strictObject({
      bucket: bucket
        .optional()
        .describe("The bucket of the backups; left out: NAME-backups.")
        .meta({ examples: ["prod-backups"] }),
      lockDays: z
        .int()
        .min(0)
        .max(3650)
        .default(7)
        .describe("For so many days nobody can overwrite or delete a backup."),
      volumes: VolumeBackupsSchema.prefault({}).describe("Velero's backups of the apps and their volumes."),
      snapshots: SnapshotsSchema.prefault({}).describe("Snapshots of etcd, which K3s takes and uploads."),
    })
    .optional()
    .describe("Where backups are kept, at Cloudflare R2."),
  state: z
    .strictObject({
      bucket: bucket
        .optional()
        .describe("The bucket of OpenTofu's state; left out: NAME-state.")
        .meta({ examples: ["prod-state"] }),
    })
    .optional()
    .describe("Where OpenTofu keeps what it knows of the servers, encrypted, at Cloudflare R2."),
  gitops: GitopsSchema.optional().describe("With it the cluster follows its own git repository."),
  tls: TlsSchema.optional().describe("The certificate of the domain; `gitops` needs it."),
  report: z
    .strictObject({
      kind: z
        .enum(["webhook", "ping"])
        .default("webhook")
        .describe(
          "webhook: told when something changes. ping: asked each time, with /fail when something is wrong.",
        ),
      everyMinutes: z.int().min(1).max(59).default(5).describe("How often the master looks at the cluster."),
    })
    .prefault({})
    .describe("How the master tells what is wrong; the URL it tells is a secret of yours, not in this file."),
  nodes: z
    .array(NodeSchema)
    .min(1, { error: "has no node; add one with `role: master`" })
    .describe("The servers: one master, any number of workers, at any mix of providers."),
  pools: z
    .array(PoolSchema)
    .default([])
    .describe(
      "Workers that are alike, in short: an entry stands for the nodes NAME-1, NAME-2 and so on, as many as `count` says.",
    ),
});

export type RawCluster = z.output<typeof ClusterSchema>;

export const ServersSchema = z.record(
  z.string(),
  z
    .strictObject({
      publicIp: z.union([z.ipv4(), z.ipv6(), z.literal("")], {
        error: "must be an IP address such as 198.51.100.7",
      }),
      meshIp: z.ipv4({ error: "must be an IPv4 address of the tailnet, such as 100.64.0.7" }).optional(),
      publicIpv6: z.ipv6({ error: "must be an IPv6 address, or null" }).nullable().optional(),
      id: z.string().optional(),
      sshUser: z
        .string()
        .regex(/^[a-z_][a-z0-9_-]*$/, { error: "must be the name of a Linux user, such as root" }),
      sshHostKey: z.string().regex(/^(ssh-ed25519|ecdsa-sha2-nistp256|ssh-rsa) [A-Za-z0-9+/=]+$/, {
        error: "must be a public host key such as 'ssh-ed25519 AAAA…' without a comment",
      }),
    })
    .refine(({ publicIp, meshIp }) => publicIp !== "" || meshIp !== undefined, {
      path: ["publicIp"],
      error: "is empty, and there is no meshIp to reach the host by",
    }),
);
