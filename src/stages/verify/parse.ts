import { z } from "zod";
import type { ClusterModel, Provider, Role, Servers } from "../../config/model.ts";

/** One node in `status --json`; fields may be added, none renamed. */
export interface NodeStatus {
  name: string;
  provider: Provider;
  region: string;
  role: Role;
  ready: boolean;
  /** Why it is not ready, or takes no new pods; empty otherwise. */
  reason: string;
  version: string;
  meshIp: string;
  publicIp: string;
  /** How the master reaches it through the mesh. */
  path: "direct" | "relay" | "self" | "none";
  rttMs: number | null;
  /** Age of the Node object; null when the API has none. */
  ageSeconds: number | null;
}

const NodeListSchema = z.object({
  items: z.array(
    z.object({
      metadata: z.object({ name: z.string(), creationTimestamp: z.string() }),
      spec: z.object({ unschedulable: z.boolean().default(false) }).prefault({}),
      status: z.object({
        addresses: z.array(z.object({ type: z.string(), address: z.string() })).default([]),
        conditions: z
          .array(z.object({ type: z.string(), status: z.string(), message: z.string().default("") }))
          .default([]),
        nodeInfo: z.object({ kubeletVersion: z.string() }),
      }),
    }),
  ),
});

/** Declared nodes as the API's node list and the mesh's pings show them, in the declared order. */
export function parseNodes(
  { model, servers }: { model: ClusterModel; servers: Servers },
  nodeList: unknown,
  mesh: string,
  now: Date,
): NodeStatus[] {
  const items = nodeList === undefined ? [] : NodeListSchema.parse(nodeList).items;
  return model.nodes.map((node) => {
    const item = items.find(({ metadata }) => metadata.name === node.name);
    const meshIp = item?.status.addresses.find(({ type }) => type === "InternalIP")?.address ?? "";
    return {
      name: node.name,
      provider: node.provider,
      region: node.region,
      role: node.role,
      ready: readiness(item)?.status === "True",
      reason: nodeList === undefined ? "" : whyNot(item),
      version: item?.status.nodeInfo.kubeletVersion ?? "",
      meshIp,
      publicIp: servers[node.name]?.publicIp ?? node.address,
      ...parsePing(mesh.split("\n").find((line) => meshIp !== "" && line.startsWith(`${meshIp} `)) ?? ""),
      ageSeconds:
        item === undefined
          ? null
          : Math.round((now.getTime() - Date.parse(item.metadata.creationTimestamp)) / 1000),
    };
  });
}

/** The names of the API's nodes that are not declared. */
export function undeclaredNodes(model: ClusterModel, nodeList: unknown): string[] {
  const declared = new Set(model.nodes.map(({ name }) => name));
  return NodeListSchema.parse(nodeList)
    .items.map(({ metadata }) => metadata.name)
    .filter((name) => !declared.has(name));
}

type Item = z.output<typeof NodeListSchema>["items"][number];

function readiness(item: Item | undefined) {
  return item?.status.conditions.find(({ type }) => type === "Ready");
}

function whyNot(item: Item | undefined): string {
  if (item === undefined) return "the cluster has no such node";
  const { status = "Unknown", message = "" } = readiness(item) ?? {};
  if (status !== "True") return message || "it has not reported yet";
  return item.spec.unschedulable ? "takes no new pods: it is cordoned" : "";
}

/** A line of `tailscale ping`: https://tailscale.com/kb/1080/cli#ping */
export function parsePing(line: string): Pick<NodeStatus, "path" | "rttMs"> {
  if (line.includes("is local Tailscale IP")) return { path: "self", rttMs: 0 };
  const pong = / via (\S+) in (\d+(?:\.\d+)?)(µs|ms|s)$/.exec(line.trim());
  if (pong === null) return { path: "none", rttMs: null };
  const [, via = "", amount, unit] = pong;
  const factor = unit === "s" ? 1000 : unit === "ms" ? 1 : 0.001;
  return { path: via.startsWith("DERP") ? "relay" : "direct", rttMs: Number(amount) * factor };
}
