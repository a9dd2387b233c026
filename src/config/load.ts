import ipaddr from "ipaddr.js";
import type { z } from "zod";
import { byPlace, type DataPath, type Diagnostic } from "./diagnostic.ts";
import type { Cloudflare, ClusterModel, ClusterNode, Servers } from "./model.ts";
import { rules } from "./rules.ts";
import { ClusterSchema, NodeSchema, type RawCluster, type RawNode, ServersSchema } from "./schema.ts";
import { readSource, type Source } from "./source.ts";
import { didYouMean } from "./suggest.ts";

export type Loaded<T> = { ok: true; value: T } | { ok: false; diagnostics: Diagnostic[] };

/** `cluster.yaml` → the model, or every fault of the file at once. `file` is the name shown. */
export function loadCluster(text: string, file: string): Loaded<ClusterModel> {
  const source = readSource(text, file);
  const parsed = check(source, ClusterSchema);
  if (!parsed.ok) return parsed;
  const faults = rules.flatMap((rule) => rule(parsed.value));
  if (faults.length > 0) {
    const diagnostics = faults.map((fault) => source.at(fault.at, fault.where, fault));
    return { ok: false, diagnostics: diagnostics.sort(byPlace) };
  }
  return { ok: true, value: derive(parsed.value) };
}

/** `servers.json` (JSON is YAML, so positions come for free) → the servers' shape. */
export function loadServers(text: string, file: string): Loaded<Servers> {
  return check(readSource(text, file), ServersSchema);
}

function check<S extends z.ZodType>(source: Source, schema: S): Loaded<z.output<S>> {
  if (source.syntaxErrors.length > 0) return { ok: false, diagnostics: source.syntaxErrors };
  const result = schema.safeParse(source.data);
  if (result.success) return { ok: true, value: result.data };
  const diagnostics = result.error.issues.flatMap((issue) => translate(issue, source));
  return { ok: false, diagnostics: diagnostics.sort(byPlace) };
}

function translate(issue: z.core.$ZodIssue, source: Source): Diagnostic[] {
  const path = issue.path as DataPath;
  switch (issue.code) {
    case "unrecognized_keys":
      return issue.keys.map((key) =>
        source.at([...path, key], "key", {
          code: "unknown-key",
          message: `unknown key "${key}"`,
          suggestion: didYouMean(key, keysAt(path)),
        }),
      );
    case "invalid_value": {
      const allowed = issue.values.map(String);
      const given = valueAt(source.data, path);
      if (given === undefined) return [missing(source, path, `allowed: ${allowed.join(", ")}`)];
      return [
        source.at(path, "value", {
          code: "invalid-value",
          message: `${JSON.stringify(given)} is not a ${String(path.at(-1))}`,
          suggestion: didYouMean(typeof given === "string" ? given : JSON.stringify(given), allowed),
        }),
      ];
    }
    case "invalid_type": {
      const given = valueAt(source.data, path);
      if (given === undefined) return [missing(source, path, `it must be a ${issue.expected}`)];
      return [
        source.at(path, "value", {
          code: "wrong-type",
          message: `expected ${issue.expected}, found ${given === null ? "nothing" : JSON.stringify(given)}`,
        }),
      ];
    }
    default:
      return [source.at(path, "value", { code: "invalid-value", message: `${last(path)} ${issue.message}` })];
  }
}

function missing(source: Source, path: DataPath, what: string): Diagnostic {
  return source.at(path, "key", {
    code: "missing-key",
    message: `missing key "${last(path)}"`,
    suggestion: what,
  });
}

function last(path: DataPath): string {
  return String(path.at(-1) ?? "the file");
}

function valueAt(data: unknown, path: DataPath): unknown {
  return path.reduce<unknown>(
    (value, part) =>
      typeof value === "object" && value !== null
        ? (value as Record<string | number, unknown>)[part]
        : undefined,
    data,
  );
}

function keysAt(path: DataPath): string[] {
  if (path[0] === "nodes") return Object.keys(NodeSchema.shape);
  if (path.length === 0) return Object.keys(ClusterSchema.shape);
  const { k3s, network, mesh, ssh, cloudflare, backups, state } = ClusterSchema.shape;
  const groups = {
    k3s: k3s.shape,
    network: network.unwrap().shape,
    mesh: mesh.unwrap().shape,
    ssh: ssh.unwrap().shape,
    cloudflare: cloudflare.unwrap().shape,
    backups: backups.unwrap().shape,
    state: state.unwrap().shape,
  };
  return Object.keys(groups[path[0] as keyof typeof groups] ?? {});
}

function derive(raw: RawCluster): ClusterModel {
  const nodes = raw.nodes.map((node) => deriveNode(raw.name, node));
  return {
    name: raw.name,
    domain: raw.domain,
    k3s: raw.k3s,
    network: { ...raw.network, clusterDns: tenthAddress(raw.network.serviceCidr) },
    mesh: raw.mesh,
    sshPublicKey: raw.ssh.publicKey ?? "",
    cloudflare: deriveCloudflare(raw),
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
