import { masterOf } from "../../config/model.ts";
import { runScript, sshVerdict } from "../../tools/ssh/ssh.ts";
import { type ClusterContext, targetOf } from "../context.ts";
import { type NodeStatus, parseNodes, undeclaredNodes } from "./parse.ts";

export interface ClusterObservation {
  nodes: NodeStatus[];
  /** Names of nodes in the cluster that cluster.yaml does not declare. */
  undeclared: string[];
  /** Why the cluster could not be asked; empty when it was. */
  fault: string;
}

/** Everything in one round trip to the master: the API's nodes, then a ping through the mesh to each, at once. Over a relay its
 * last words are "direct connection not established", so the last answer counts; the master itself gives none. */
const LOOK = `
nodes=$(k3s kubectl get nodes -o json) || exit 1
printf '%s\\n' "$nodes"
echo '--- mesh'
for ip in $(k3s kubectl get nodes -o jsonpath='{range .items[*]}{.status.addresses[?(@.type=="InternalIP")].address}{"\\n"}{end}'); do
  (printf '%s %s\\n' "$ip" "$(tailscale ping --c 5 --timeout 3s "$ip" 2>&1 | grep -e ^pong -e 'is local' | tail -n 1)") &
done
wait
`;

export async function observe(context: ClusterContext, now: Date): Promise<ClusterObservation> {
  const absent = (fault: string): ClusterObservation => ({
    nodes: parseNodes(context, undefined, "", now),
    undeclared: [],
    fault,
  });
  const master = masterOf(context.model);
  const target = targetOf(context, master);
  if (target === undefined) return absent(`${master.name} has no server yet`);
  const look = await runScript(target, LOOK, 40_000);
  if (look.exitCode === 255)
    return absent(`${master.name} can't be reached: ${sshVerdict(look.stderr, target).why}`);
  if (look.exitCode !== 0)
    return absent(`the API does not answer: ${look.stderr.trim().split("\n").at(-1) ?? ""}`);
  const [nodes = "", mesh = ""] = look.stdout.split("--- mesh\n");
  const list: unknown = JSON.parse(nodes);
  const undeclared = undeclaredNodes(context.model, list);
  return { nodes: parseNodes(context, list, mesh, now), undeclared, fault: "" };
}

/** Empty when every node of the cluster is declared. */
export function tellUndeclared(names: readonly string[]): string {
  if (names.length === 0) return "";
  const removal = names.map((name) => `infra-k3s node remove ${name}`).join("; ");
  return `in the cluster, but not declared in cluster.yaml: ${names.join(", ")}; fix: ${removal}, or declare it again`;
}
