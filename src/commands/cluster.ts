import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { loadCluster, loadServers } from "../config/load.ts";
import { type ClusterModel, kubernetesOf, type Servers, STACKS, stacksOf } from "../config/model.ts";
import { ConfigError } from "../output/errors.ts";
import { noteRunLog } from "../output/run-log.ts";
import type { FileTree } from "../render/file-tree.ts";
import { render } from "../render/render.ts";
import { chooseRepository, CLUSTER_FILE } from "../repository/locate.ts";
import { readShipped, stacksToKeep } from "../repository/shipped.ts";
import { writeAtomically, writeTree } from "../repository/write.ts";
import type { ClusterContext } from "../stages/context.ts";
import { ensureAnsible } from "../tools/ansible/install.ts";
import { ensureState } from "../tools/cloudflare/state.ts";
import { RENDERED, requireLock } from "../tools/downloads/lock.ts";
import { readSecrets, type Secrets } from "../tools/secrets/envrc.ts";
import { operator } from "../tools/tofu/runs.ts";
import { publishingOf } from "./publishing.ts";
import { readConfigFile } from "./read-file.ts";

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
  const content = readConfigFile(join(root, CLUSTER_FILE));
  const loaded = loadCluster(content, CLUSTER_FILE);
  if (!loaded.ok) throw new ConfigError(loaded.diagnostics, content.toString());
  return loaded.value;
}

function readServers(root: string): Servers {
  const path = join(root, SERVERS_FILE);
  if (!existsSync(path)) return {};
  const content = readConfigFile(path);
  const loaded = loadServers(content, SERVERS_FILE);
  if (!loaded.ok) throw new ConfigError(loaded.diagnostics, content.toString());
  return loaded.value;
}

export function renderCluster({ root, model, servers }: Cluster): FileTree {
  // A server that cluster.yaml no longer has is in servers.json until it is destroyed.
  const leaving = Object.keys(servers).some((name) => !model.nodes.some((node) => node.name === name));
  const stacks = [...new Set([...stacksOf(model), ...stacksToKeep(root, STACKS, leaving)])];
  return render(model, servers, requireLock(root, model, RENDERED), readShipped(stacks, kubernetesOf(model)));
}

/** Everything the stages need; installs Ansible when it is missing. */
export async function stageContext(
  cluster: Cluster,
  progress: (line: string) => void,
  {
    limit = [],
    allowDestroy = [],
    publishing = publishingOf(cluster.root, false),
    restoring = false,
  }: Partial<Pick<ClusterContext, "limit" | "allowDestroy" | "publishing" | "restoring">> = {},
): Promise<ClusterContext> {
  const lock = requireLock(cluster.root, cluster.model);
  const ansible = await ensureAnsible(progress);
  const logFile = newLog(cluster.root);
  const context = { ...cluster, lock, ansible, logFile, limit, allowDestroy, publishing, restoring };
  const saveServers = (servers: Servers) => {
    context.servers = servers;
    writeAtomically(join(cluster.root, SERVERS_FILE), `${JSON.stringify(servers, null, 2)}\n`, 0o644);
    writeTree(cluster.root, renderCluster({ ...cluster, servers }));
  };
  return Object.assign(context, { saveServers });
}

/** Where the whole output of one command's programs goes. */
export function newLog(root: string): string {
  const logs = join(root, ".infra-k3s/logs");
  mkdirSync(logs, { recursive: true, mode: 0o700 });
  const path = join(logs, `${new Date().toISOString().replaceAll(/[:.]/g, "-")}.log`);
  noteRunLog(path);
  return path;
}

/** The cluster with the bucket, key and passphrase of OpenTofu's state, made where they are missing. */
export async function withState(cluster: Cluster, progress: (line: string) => void): Promise<Cluster> {
  const { root, model, secrets } = cluster;
  return { ...cluster, secrets: await ensureState(root, model, secrets, operator(), progress) };
}
