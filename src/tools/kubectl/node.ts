import { z } from "zod";
import { UserError } from "../../output/errors.ts";
import { runScript, type SshTarget, sshVerdict } from "../ssh/ssh.ts";

/** What taking a node out of the cluster needs of the API, asked on the master. Names come checked: they stand in scripts. */

const VolumesSchema = z.object({
  items: z.array(
    z.object({
      metadata: z.object({ name: z.string() }),
      spec: z.object({
        claimRef: z.object({ namespace: z.string(), name: z.string() }).optional(),
        nodeAffinity: z.unknown().optional(),
      }),
    }),
  ),
});

export interface NodeInCluster {
  exists: boolean;
  /** Claims (NAMESPACE/NAME) whose data lies on this node's disk alone. */
  volumes: string[];
}

export async function lookAtNode(master: SshTarget, name: string): Promise<NodeInCluster> {
  const answer = await ask(
    master,
    `k3s kubectl get node ${name} --ignore-not-found --output=name --request-timeout=20s && echo --- &&
     k3s kubectl get persistentvolumes --output=json --request-timeout=20s`,
    60,
    "the API can't be asked for the node",
  );
  const [node = "", volumes = ""] = answer.split("---\n");
  return { exists: node.trim() !== "", volumes: volumesOn(name, JSON.parse(volumes)) };
}

/** A volume that may be used on this node alone: https://kubernetes.io/docs/concepts/storage/volumes/#local */
export function volumesOn(node: string, list: unknown): string[] {
  return VolumesSchema.parse(list)
    .items.filter(({ spec }) => JSON.stringify(spec.nodeAffinity ?? "").includes(`"values":["${node}"]`))
    .map(({ metadata, spec }) =>
      spec.claimRef === undefined ? metadata.name : `${spec.claimRef.namespace}/${spec.claimRef.name}`,
    );
}

export interface Drain {
  seconds: number;
  /** Also pods that nothing recreates, and against PodDisruptionBudgets. */
  force: boolean;
  /** Nobody on the host confirms that a pod has ended: it is not waited for. */
  unreachable: boolean;
}

/** No new pods, and the present ones moved away as their PodDisruptionBudgets allow. Returns how many. */
export async function drainNode(
  master: SshTarget,
  name: string,
  { seconds, force, unreachable }: Drain,
): Promise<number> {
  // https://kubernetes.io/docs/reference/kubectl/generated/kubectl_drain/
  const flags = [
    "--ignore-daemonsets",
    // An emptyDir ends with its pod, wherever that goes.
    "--delete-emptydir-data",
    `--timeout=${seconds}s`,
    ...(force ? ["--force", "--disable-eviction"] : []),
    ...(unreachable ? ["--skip-wait-for-delete-timeout=1"] : []),
  ];
  const said = await ask(
    master,
    `k3s kubectl drain ${name} ${flags.join(" ")}`,
    seconds + 30,
    `${name} can't be drained`,
    `mend what stands in the way and run this again; with --force it goes on regardless; to keep the node: infra-k3s kubectl uncordon ${name}`,
  );
  return said.split("\n").filter((line) => /^pod\/\S+ (evicted|deleted)$/.test(line)).length;
}

/** The Node, and the Secret that keeps its name for the host that had it (https://docs.k3s.io/architecture#how-agent-node-registration-works). */
export async function deleteNode(master: SshTarget, name: string): Promise<number> {
  const said = await ask(
    master,
    `k3s kubectl delete node ${name} --ignore-not-found --timeout=60s &&
     k3s kubectl delete secret ${name}.node-password.k3s --namespace=kube-system --ignore-not-found --timeout=60s`,
    150,
    `${name} can't be taken out of the cluster`,
  );
  return said.split("\n").filter((line) => line.includes(" deleted")).length;
}

async function ask(
  master: SshTarget,
  script: string,
  seconds: number,
  what: string,
  fix?: string,
): Promise<string> {
  const { exitCode, stdout, stderr, timedOut } = await runScript(master, script, seconds * 1000);
  if (exitCode === 0) return stdout;
  if (exitCode === 255) throw new UserError({ what, ...sshVerdict(stderr, master) });
  const lines = stderr.split("\n").filter((line) => !line.startsWith("Warning: ignoring DaemonSet"));
  const why = [...new Set(lines)].slice(-12).join("\n").trim();
  throw new UserError({
    what,
    why: why || (timedOut ? `no answer after ${seconds} s` : `kubectl ended with ${exitCode}`),
    fix: fix ?? "infra-k3s status says how the cluster is",
  });
}
