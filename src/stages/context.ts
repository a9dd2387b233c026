import type { Lock } from "../config/lock.ts";
import { type ClusterModel, type ClusterNode, masterOf, type Servers } from "../config/model.ts";
import type { Ansible } from "../tools/ansible/install.ts";
import type { Secrets } from "../tools/secrets/envrc.ts";
import type { SshTarget } from "../tools/ssh/ssh.ts";

/** What the stages of one cluster share. */
export interface ClusterContext {
  root: string;
  model: ClusterModel;
  /** What the stage `servers` found or made; `saveServers` replaces it. */
  readonly servers: Servers;
  /** Writes servers.json and what is rendered of it. */
  saveServers(servers: Servers): void;
  lock: Lock;
  secrets: Secrets;
  ansible: Ansible;
  logFile: string;
  /** The nodes a command is about; empty: all. */
  limit: readonly string[];
  /** What OpenTofu may destroy although it is protected: addresses of resources, or nodes. */
  allowDestroy: readonly string[];
}

/** How to reach a node by SSH; undefined while it has no server. */
export function targetOf(
  context: Pick<ClusterContext, "root" | "model" | "servers" | "secrets">,
  node: ClusterNode,
): SshTarget | undefined {
  const server = context.servers[node.name];
  if (server === undefined) return undefined;
  const over = server.publicIp === "" ? context.servers[masterOf(context.model).name] : undefined;
  return { server, root: context.root, key: context.secrets.INFRA_K3S_SSH_KEY ?? "", over };
}
