import { EXIT, UserError } from "../output/errors.ts";
import type { Io } from "../output/io.ts";
import { writeAtomically, writeTree } from "../repository/write.ts";
import { masterTarget, targetOf } from "../stages/context.ts";
import { requireLock } from "../tools/downloads/lock.ts";
import { kubectl, readKubeconfig } from "../tools/kubectl/kubectl.ts";
import { runAttached } from "../tools/process/process.ts";
import { sshArgv } from "../tools/ssh/ssh.ts";
import { type ClusterOption, openCluster, renderCluster } from "./cluster.ts";

/** The ways in for a person: kubectl, its configuration, and a shell. */

/** Runs kubectl against the cluster, from wherever the operator is; returns kubectl's exit code. */
export function runKubectl(options: ClusterOption, args: readonly string[]): Promise<number> {
  const cluster = openCluster(options);
  const lock = requireLock(cluster.root, cluster.model, ["kubectl"]);
  return kubectl(masterTarget(cluster), cluster.model.name, lock, args);
}

export interface KubeconfigOptions extends ClusterOption {
  /** A file to write (0600) instead of stdout. */
  output?: string | undefined;
}

export async function runKubeconfig(options: KubeconfigOptions, io: Io): Promise<number> {
  const cluster = openCluster(options);
  const config = await readKubeconfig(masterTarget(cluster), cluster.model.name);
  const text = `# The API answers on its address in the tailnet only: this context needs a machine that is in it.\n# From anywhere else: infra-k3s kubectl\n${config}`;
  if (options.output === undefined) io.out(text);
  else writeAtomically(options.output, text, 0o600);
  return EXIT.ok;
}

/** A shell, or one command, on a node; returns its exit code. */
export function runSsh(
  options: ClusterOption,
  name: string | undefined,
  args: readonly string[],
): Promise<number> {
  const cluster = openCluster(options);
  const names = cluster.model.nodes.map((node) => node.name);
  const node = cluster.model.nodes.find((candidate) => candidate.name === name);
  if (node === undefined) {
    throw new UserError(
      {
        what: name === undefined ? "which node?" : `there is no node "${name}"`,
        fix: `nodes: ${names.join(", ")}`,
      },
      EXIT.usage,
    );
  }
  const target = targetOf(cluster, node);
  if (target === undefined)
    throw new UserError({ what: `${node.name} has no server yet`, fix: "run infra-k3s up" });
  writeTree(cluster.root, renderCluster(cluster));
  return runAttached({ argv: [...sshArgv(target), ...args] });
}
