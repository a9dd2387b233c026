import { masterOf } from "../../config/model.ts";
import { runScript, sshVerdict } from "../../tools/ssh/ssh.ts";
import { type ClusterContext, targetOf } from "../context.ts";
import { type NodeStatus, parseNodes } from "./parse.ts";

export interface ClusterObservation {
  nodes: NodeStatus[];
  /** Why the cluster could not be asked; empty when it was. */
  fault: string;
}

/** Everything in one round trip to the master: the API's nodes, then a ping through the mesh to each, at once. */
const LOOK = `
nodes=$(k3s kubectl get nodes -o json) || exit 1
printf '%s\\n' "$nodes"
echo '--- mesh'
for ip in $(k3s kubectl get nodes -o jsonpath='{range .items[*]}{.status.addresses[?(@.type=="InternalIP")].address}{"\\n"}{end}'); do
  (printf '%s %s\\n' "$ip" "$(tailscale ping --c 5 --timeout 3s "$ip" 2>&1 | tail -n 1)") &
done
wait
`;

export async function observe(context: ClusterContext, now: Date): Promise<ClusterObservation> {
  const absent = (fault: string): ClusterObservation => ({
    nodes: parseNodes(context, undefined, "", now),
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
  return { nodes: parseNodes(context, JSON.parse(nodes), mesh, now), fault: "" };
}
