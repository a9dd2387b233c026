import ipaddr from "ipaddr.js";
import { type Checked, check } from "./check.ts";
import { byPlace, type Diagnostic } from "./diagnostic.ts";
import { deriveGitops } from "./gitops.ts";
import type { Cloudflare, ClusterModel, ClusterNode, Servers } from "./model.ts";
import { nodesOf, type RawNode } from "./nodes.ts";
import type { RuleFault } from "./rule.ts";
import { rules } from "./rules.ts";
import { Damaged, salvage } from "./salvage.ts";
import { ClusterSchema, type RawCluster, ServersSchema } from "./schema.ts";
import { snapshotMinutes, snapshotsKept } from "./snapshots.ts";
import { readSource } from "./source.ts";
import { VolumeBackupsSchema } from "./volume-backups.ts";

export type Loaded<T> = { ok: true; value: T } | { ok: false; diagnostics: Diagnostic[] };

/** `cluster.yaml` → the model, or every fault of the file at once. `file` is the name shown. */
export function loadCluster(content: string | Uint8Array, file: string): Loaded<ClusterModel> {
  const source = readSource(content, file);
  const checked = check(source, ClusterSchema);
  const raw = checked.ok ? checked.value : salvaged(source.data, checked);
  const faults = raw === undefined ? [] : rules.flatMap((rule) => faultsOf(() => rule(raw)));
  const own = checked.ok ? [] : checked.diagnostics;
  const diagnostics = [...own, ...faults.map((fault) => source.at(fault.at, fault.where, fault))];
  if (checked.ok && diagnostics.length === 0) return { ok: true, value: derive(checked.value) };
  return { ok: false, diagnostics: diagnostics.sort(byPlace) };
}

function salvaged(
  data: unknown,
  { issues }: Extract<Checked<RawCluster>, { ok: false }>,
): RawCluster | undefined {
  return data === undefined ? undefined : salvage(ClusterSchema, data, issues);
}

function faultsOf(rule: () => RuleFault[]): RuleFault[] {
  try {
    return rule();
  } catch (error) {
    if (error instanceof Damaged) return [];
    throw error;
  }
}

/** `servers.json` (JSON is YAML, so positions come for free) → the servers' shape. */
export function loadServers(content: string | Uint8Array, file: string): Loaded<Servers> {
  return check(readSource(content, file), ServersSchema);
}

function derive(raw: RawCluster): ClusterModel {
  const nodes = nodesOf(raw).map((node) => deriveNode(raw.name, node));
  return {
    name: raw.name,
    domain: raw.domain,
    k3s: raw.k3s,
    network: { ...raw.network, clusterDns: tenthAddress(raw.network.serviceCidr) },
    mesh: raw.mesh,
    sshPublicKey: raw.ssh.publicKey ?? "",
    report: raw.report,
    snapshots: { everyMinutes: snapshotMinutes(raw), keep: snapshotsKept(raw) },
    cloudflare: deriveCloudflare(raw),
    gitops: deriveGitops(raw),
    nodes: [...nodes.filter((n) => n.role === "master"), ...nodes.filter((n) => n.role === "worker")],
  };
}

function deriveCloudflare({ name, domain, cloudflare, backups, state }: RawCluster): Cloudflare | null {
  if (cloudflare === undefined) return null;
  return {
    ...cloudflare,
    zone: cloudflare.zone ?? domain,
    stateBucket: state?.bucket ?? `${name}-state`,
    backupBucket: backups?.bucket ?? `${name}-backups`,
    backupLockDays: backups?.lockDays ?? 7,
    volumeBackups: backups?.volumes ?? VolumeBackupsSchema.parse({}),
  };
}

function deriveNode(cluster: string, node: RawNode): ClusterNode {
  return {
    name: node.name,
    role: node.role,
    provider: node.provider,
    region: node.region ?? "",
    size: node.size ?? "",
    arch: node.arch,
    ingress: node.ingress,
    address: node.address ?? "",
    behindNat: node.provider === "existing" && node.address === undefined,
    meshName: `${cluster}-${node.name}`,
  };
}

/** K3s's convention for the cluster DNS: https://docs.k3s.io/cli/server#networking */
function tenthAddress(cidr: string): string {
  const octets = ipaddr.IPv4.networkAddressFromCIDR(cidr).toByteArray();
  octets[3] = (octets[3] ?? 0) + 10;
  return octets.join(".");
}
