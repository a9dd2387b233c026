import type { Lock } from "../config/lock.ts";
import { type ClusterModel, type ClusterNode, masterOf, type Servers } from "../config/model.ts";
import { UserError } from "../output/errors.ts";
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
  /** A master whose server is gone may be made anew: its state comes from a snapshot. */
  restoring?: boolean | undefined;
  /** What the stage `dns` last saw of its stack's outputs: the tokens minted at Cloudflare are among them, so never log it. */
  cloudflareOutputs?: Readonly<Record<string, unknown>> | undefined;
  /** How what was rendered gets to the git host. */
  publishing: Publishing;
}

export interface Publishing {
  /** Commit and push without asking. */
  push: boolean;
  /** Asks a person; undefined where there is nobody to ask. */
  ask: ((question: string) => Promise<boolean>) | undefined;
  /** What must not be in git as it is, a line for each; looked for before anything is committed. */
  leaks: () => Promise<readonly string[]>;
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

/** How to reach the master, for what can't go on without it. */
export function masterTarget(context: Parameters<typeof targetOf>[0]): SshTarget {
  const master = masterOf(context.model);
  const target = targetOf(context, master);
  if (target !== undefined) return target;
  throw new UserError({ what: `${master.name} has no server yet`, fix: "run infra-k3s up" });
}
