import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { loadCluster, loadServers } from "../config/load.ts";
import { type ClusterModel, type Servers, STACKS, stacksOf } from "../config/model.ts";
import { ConfigError } from "../output/errors.ts";
import type { FileTree } from "../render/file-tree.ts";
import { render } from "../render/render.ts";
import { chooseRepository, CLUSTER_FILE } from "../repository/locate.ts";
import { readShipped, stacksToKeep } from "../repository/shipped.ts";
import { writeAtomically, writeTree } from "../repository/write.ts";
import type { ClusterContext } from "../stages/context.ts";
import { ensureAnsible } from "../tools/ansible/install.ts";
import { ensureState } from "../tools/cloudflare/state.ts";
import { requireLock } from "../tools/downloads/lock.ts";
import { readSecrets, type Secrets } from "../tools/secrets/envrc.ts";
import { operator } from "../tools/tofu/runs.ts";

export const SERVERS_FILE = "servers.json";

/** The option every command about one cluster takes. */
export interface ClusterOption {
  cluster?: string | undefined;
}

/** What a cluster repository says, before anything is installed, rendered or reached. */
export interface Cluster {
  root: string;
  model: ClusterModel;
  servers: Servers;
  secrets: Secrets;
}

export function openCluster({ cluster }: ClusterOption): Cluster {
  const root = chooseRepository(cluster ?? process.env["INFRA_K3S_CLUSTER"], process.cwd());
  return {
    root,
    model: readModel(root),
    servers: readServers(root),
    secrets: readSecrets(root, process.env),
  };
}

export function readModel(root: string): ClusterModel {
  const text = readFileSync(join(root, CLUSTER_FILE), "utf8");
  const loaded = loadCluster(text, CLUSTER_FILE);
  if (!loaded.ok) throw new ConfigError(loaded.diagnostics, text);
  return loaded.value;
}

function readServers(root: string): Servers {
  const path = join(root, SERVERS_FILE);
  if (!existsSync(path)) return {};
  const text = readFileSync(path, "utf8");
  const loaded = loadServers(text, SERVERS_FILE);
  if (!loaded.ok) throw new ConfigError(loaded.diagnostics, text);
  return loaded.value;
}

export function renderCluster({ root, model, servers }: Cluster): FileTree {
  // A server that cluster.yaml no longer has is in servers.json until it is destroyed.
  const leaving = Object.keys(servers).some((name) => !model.nodes.some((node) => node.name === name));
  const stacks = [...new Set([...stacksOf(model), ...stacksToKeep(root, STACKS, leaving)])];
  return render(model, servers, requireLock(root, model), readShipped(stacks));
}

/** Everything the stages need; installs Ansible when it is missing. */
export async function stageContext(
  cluster: Cluster,
  progress: (line: string) => void,
  { limit = [], allowDestroy = [] }: Partial<Pick<ClusterContext, "limit" | "allowDestroy">> = {},
): Promise<ClusterContext> {
  const lock = requireLock(cluster.root, cluster.model);
  const logs = join(cluster.root, ".infra-k3s/logs");
  mkdirSync(logs, { recursive: true, mode: 0o700 });
  const stamp = new Date().toISOString().replaceAll(/[:.]/g, "-");
  const ansible = await ensureAnsible(progress);
  const context = { ...cluster, lock, ansible, logFile: join(logs, `${stamp}.log`), limit, allowDestroy };
  const saveServers = (servers: Servers) => {
    context.servers = servers;
    writeAtomically(join(cluster.root, SERVERS_FILE), `${JSON.stringify(servers, null, 2)}\n`, 0o644);
    writeTree(cluster.root, renderCluster({ ...cluster, servers }));
  };
  return Object.assign(context, { saveServers });
}

/** The cluster with the bucket, key and passphrase of OpenTofu's state, made where they are missing. */
export async function withState(cluster: Cluster, progress: (line: string) => void): Promise<Cluster> {
  const { root, model, secrets } = cluster;
  return { ...cluster, secrets: await ensureState(root, model, secrets, operator(), progress) };
}
