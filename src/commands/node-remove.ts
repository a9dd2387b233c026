import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type ClusterNode, masterOf } from "../config/model.ts";
import { EXIT, type ExitCode, UserError } from "../output/errors.ts";
import type { Emit, HostSummary } from "../output/events.ts";
import type { Io } from "../output/io.ts";
import { jsonEmit, terminalEmit } from "../output/terminal.ts";
import { CLUSTER_FILE } from "../repository/locate.ts";
import { writeAtomically, writeTree } from "../repository/write.ts";
import { runStages } from "../run/runner.ts";
import type { Step } from "../run/stage.ts";
import { type ClusterContext, targetOf } from "../stages/context.ts";
import { createServers } from "../stages/servers/create.ts";
import { bring } from "../stages/stack/bring.ts";
import { runPlaybook } from "../tools/ansible/playbook.ts";
import { deleteNode, drainNode, lookAtNode } from "../tools/kubectl/node.ts";
import { withLock } from "../tools/lock/lock.ts";
import { runScript, type SshTarget, sshVerdict } from "../tools/ssh/ssh.ts";
import { removeDevices } from "../tools/tailscale/tailscale.ts";
import { type Cluster, type ClusterOption, openCluster, renderCluster, stageContext } from "./cluster.ts";
import { confirm } from "./confirm.ts";
import { requireValid } from "./init-gitops.ts";
import { withoutNode } from "./node-text.ts";
import { concluded } from "./outcome.ts";

export interface NodeRemoveOptions extends ClusterOption {
  name: string;
  json: boolean;
  /** Don't ask. */
  yes: boolean;
  /** Also delete pods that nothing recreates, against PodDisruptionBudgets, and data that lies on this node alone. */
  force: boolean;
  /** Go on without a host that does not answer. */
  unreachable: boolean;
  /** Seconds the pods have to move away. */
  timeout: number;
}

/** What the steps work on. `reachable` says whether the host answers, `exists` whether the cluster has the Node. */
interface Removal {
  context: ClusterContext;
  options: NodeRemoveOptions;
  node: ClusterNode;
  master: SshTarget;
  reachable: boolean;
  exists: boolean;
}

/** Takes a worker out of everything that knows it. Each step looks first, so a run killed anywhere is simply run again. */
export async function runNodeRemove(options: NodeRemoveOptions, io: Io): Promise<ExitCode> {
  const { cluster, node } = withNode(openCluster(options), options.name);
  requireValid(withoutNode(readFileSync(join(cluster.root, CLUSTER_FILE), "utf8"), node.name), {
    why: `that is ${CLUSTER_FILE} without ${node.name}; nothing was changed`,
    fix: "correct that first",
  });
  const master = targetOf(cluster, masterOf(cluster.model));
  if (master === undefined)
    throw new UserError({ what: "the master has no server", fix: "correct servers.json" });
  const emit = options.json ? jsonEmit(io) : terminalEmit(io);
  return withLock(cluster.root, "node remove", async () => {
    writeTree(cluster.root, renderCluster(cluster));
    const progress = (message: string) => emit({ event: "log", level: "info", message });
    const context = await stageContext(cluster, progress, { limit: [node.name] });
    const { exists, volumes } = await lookAtNode(master, node.name);
    refuseUnknown(context, node, exists);
    const declared = openCluster(options).model.nodes.some(({ name }) => name === node.name);
    // One that is out of the cluster and no longer declared was reset before, and its server may be gone.
    const reachable = await isReachable(context, node, exists, options.unreachable || !(declared || exists));
    refuseLoss(node.name, volumes, options.force);
    if (!options.yes) {
      const loss = `This moves all pods off ${node.name} and removes K3s with all its data from it.`;
      await confirm(loss, "node's name", node.name, io);
    }
    const removal = { context, options, node, master, reachable, exists };
    return concluded(await runStages(steps, removal, emit, Date.now), context.logFile, "this", io);
  });
}

const steps: readonly Step<Removal>[] = [
  {
    name: "drain",
    async apply({ options, node, master, reachable, exists }) {
      const { timeout: seconds, force } = options;
      return one(
        node,
        exists ? await drainNode(master, node.name, { seconds, force, unreachable: !reachable }) : 0,
      );
    },
  },
  {
    name: "reset",
    async apply(removal, emit) {
      if (!removal.reachable) return leaveAsIs(removal, emit);
      const { context } = removal;
      const extraVars = { confirm: context.model.name };
      return (await runPlaybook({ ...context, name: "reset", stage: "reset", extraVars }, emit)).hosts;
    },
  },
  {
    // Once its K3s is gone: a running one would bring the Node back.
    name: "node",
    apply: async ({ node, master }) => one(node, await deleteNode(master, node.name)),
  },
  {
    name: "device",
    async apply({ context: { secrets, model }, node }, emit) {
      if (secrets.TAILSCALE_OAUTH_CLIENT_ID !== undefined)
        return one(node, await removeDevices(secrets, model.mesh, [node.meshName]));
      const message = `${node.meshName} stays listed in the tailnet, since there is no OAuth client in .envrc.local; remove it at https://login.tailscale.com/admin/machines`;
      emit({ event: "log", level: "warning", message });
      return one(node, 0);
    },
  },
  {
    name: "repository",
    apply: ({ context, node }) => Promise.resolve(one(node, forget(context.root, node.name))),
  },
  {
    // Once nothing declares it any more: the records that lead to it, then the server.
    name: "server",
    async apply({ context, node }, emit) {
      const cluster = openCluster({ cluster: context.root });
      if (cluster.model.cloudflare !== null) {
        const own = { limit: [node.name], allowDestroy: [node.name] };
        const rest = await stageContext(cluster, () => {}, own);
        const { changes } = await bring({ context: rest, stage: "dns", stack: "cloudflare" }, emit);
        const { hosts } = await createServers(rest, emit);
        const changed = Object.values(hosts).reduce((sum, host) => sum + host.changed, changes.length);
        if (rest.servers[node.name] === undefined) return one(node, changed);
      }
      if (cluster.servers[node.name] !== undefined) {
        const message = `the server itself stays, with what role base installed: end it where it was made, and take ${node.name} out of servers.json`;
        emit({ event: "log", level: "info", message });
      }
      return one(node, 0);
    },
  },
];

/**
 * The cluster with the node in it. One that was already taken out of `cluster.yaml`, by hand or by a run that did not come to
 * its end, is put back in thought: its host is still to be reached.
 */
function withNode(cluster: Cluster, name: string): { cluster: Cluster; node: ClusterNode } {
  const { model } = cluster;
  const declared = model.nodes.find((node) => node.name === name);
  if (declared?.role === "master") {
    throw new UserError(
      {
        what: `${name} is the master: without it there is no cluster`,
        fix: "the whole cluster goes with infra-k3s destroy",
      },
      EXIT.usage,
    );
  }
  if (declared !== undefined) return { cluster, node: declared };
  if (!/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/.test(name))
    throw new UserError({ what: `${name} can't be a node's name` }, EXIT.usage);
  const node: ClusterNode = {
    ...masterOf(model),
    ...({ name, role: "worker", provider: "existing", region: "", size: "", ingress: false } as const),
    meshName: `${model.name}-${name}`,
  };
  return { cluster: { ...cluster, model: { ...model, nodes: [...model.nodes, node] } }, node };
}

/** A misspelled name is told; what a run that was killed left anywhere is not misspelled. */
function refuseUnknown({ root, servers }: ClusterContext, { name }: ClusterNode, exists: boolean): void {
  const { model } = openCluster({ cluster: root });
  if (exists || servers[name] !== undefined || model.nodes.some((node) => node.name === name)) return;
  throw new UserError(
    {
      what: `there is no node "${name}", neither in ${CLUSTER_FILE} nor in the cluster nor in servers.json`,
      fix: `nodes: ${model.nodes.map((node) => node.name).join(", ")}`,
    },
    EXIT.usage,
  );
}

/** Looked at before anything is changed, so that nothing stays half-way for a host that is down. */
async function isReachable(
  context: ClusterContext,
  node: ClusterNode,
  exists: boolean,
  goOn: boolean,
): Promise<boolean> {
  const target = targetOf(context, node);
  const verdict =
    target === undefined
      ? { why: "servers.json does not name it", fix: "put it back there" }
      : await doorOf(target);
  if (verdict === undefined) return true;
  // A node that never had a server has nothing to reset.
  if (goOn || (target === undefined && !exists)) return false;
  throw new UserError({
    what: `${node.name} can't be reached by SSH; nothing was changed`,
    why: verdict.why,
    fix: `${verdict.fix}; when the host is gone for good: infra-k3s node remove ${node.name} --unreachable`,
  });
}

/** Undefined where SSH gets in; else why it does not. */
async function doorOf(target: SshTarget): Promise<{ why: string; fix: string } | undefined> {
  const { exitCode, stderr } = await runScript(target, "true", 20_000);
  return exitCode === 0 ? undefined : sshVerdict(stderr, target);
}

function refuseLoss(name: string, volumes: readonly string[], force: boolean): void {
  if (volumes.length === 0 || force) return;
  throw new UserError({
    what: `data lies on ${name} alone: ${volumes.join(", ")}; nothing was changed`,
    why: "these claims are bound to local volumes, which go with the node",
    fix: "move the data and delete the claims, or lose it: --force",
  });
}

function leaveAsIs({ context, node, exists }: Removal, emit: Emit): Record<string, HostSummary> {
  const server = context.servers[node.name];
  if (server !== undefined || exists) {
    const address = server === undefined ? "" : ` (${server.publicIp})`;
    const message = `${node.name}${address} was not reset: K3s with its data, its join token and Tailscale are left there. It can't come back by itself, since its device is removed from the tailnet; delete or reinstall it`;
    emit({ event: "log", level: "warning", message });
  }
  return one(node, 0);
}

/** Takes the node out of `cluster.yaml` and of what is rendered from it. */
function forget(root: string, name: string): number {
  const file = join(root, CLUSTER_FILE);
  const before = readFileSync(file, "utf8");
  const text = withoutNode(before, name);
  if (text !== before) writeAtomically(file, text, 0o644);
  writeTree(root, renderCluster(openCluster({ cluster: root })));
  return text === before ? 0 : 1;
}

function one({ name }: ClusterNode, changed: number): Record<string, HostSummary> {
  return { [name]: { ok: 1, changed, failed: 0 } };
}
