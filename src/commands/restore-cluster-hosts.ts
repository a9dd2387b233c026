import { type ClusterNode, masterOf } from "../config/model.ts";
import { type ClusterContext, masterTarget, targetOf } from "../stages/context.ts";
import { runScript } from "../tools/ssh/ssh.ts";
import type { Cluster } from "./cluster.ts";

/** What a restore asks of hosts, and does to them, besides the stages. */

/** Where the role k3s_server notes which snapshot a restore that is under way has put in place. */
export const RESTORED_MARK = "/var/lib/rancher/k3s/server/infra-k3s-restored";

/** Whether the master's API answers. */
export function isRunning(cluster: Cluster): Promise<boolean> {
  return holdsOnMaster(cluster, "k3s kubectl get --raw /readyz --request-timeout=10s >/dev/null");
}

/** The nodes whose hosts answer and have no address in the mesh: a device of such a name is another host's, that was before. */
export async function outsideMesh(context: ClusterContext): Promise<ClusterNode[]> {
  const found = await Promise.all(
    context.model.nodes.map(async (node) => {
      const target = targetOf(context, node);
      if (target === undefined) return [];
      const { exitCode } = await runScript(target, "tailscale ip -4", 30_000);
      return exitCode === 0 || exitCode === 255 ? [] : [node];
    }),
  );
  return found.flat();
}

/** Whether a script ends well there; not where there is no master yet, or none that answers. */
async function holdsOnMaster(cluster: Cluster, script: string): Promise<boolean> {
  const target = targetOf(cluster, masterOf(cluster.model));
  return target !== undefined && (await runScript(target, script, 30_000)).exitCode === 0;
}

export async function forgetMark(context: ClusterContext): Promise<void> {
  await runScript(masterTarget(context), `rm -f ${RESTORED_MARK}`);
}

/** Stops K3s on every worker that answers. Returns who was stopped, and who did not answer. */
export async function stopAgents(
  context: ClusterContext,
): Promise<Record<string, "stopped" | "still" | "away">> {
  const workers = context.model.nodes.filter(({ role }) => role === "worker");
  const states = await Promise.all(
    workers.map(async (node) => {
      const target = targetOf(context, node);
      if (target === undefined) return [node.name, "away"] as const;
      // A host without K3s has nothing to stop.
      const script =
        "systemctl is-active --quiet k3s-agent.service || exit 3; systemctl stop k3s-agent.service";
      const { exitCode } = await runScript(target, script, 150_000);
      return [node.name, exitCode === 0 ? "stopped" : exitCode === 255 ? "away" : "still"] as const;
    }),
  );
  return Object.fromEntries(states);
}
