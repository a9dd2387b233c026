import type { Lock } from "../config/lock.ts";
import type { ClusterModel, Servers } from "../config/model.ts";
import type { FileTree, RenderedFile } from "./file-tree.ts";
import { renderGroupVars } from "./group-vars.ts";
import { pinShipped, renderKubernetes } from "./kubernetes/kubernetes.ts";
import { renderProject } from "./project.ts";
import { renderTfvars } from "./tfvars.ts";
import { renderInventory, renderKnownHosts } from "./inventory.ts";

/** The whole of a cluster repository but what the user owns (`cluster.yaml`, `servers.json`, the vault, the lock). */
export function render(model: ClusterModel, servers: Servers, lock: Lock, shipped: FileTree): FileTree {
  const rendered: [string, string][] = [
    ...renderProject(),
    ["ansible/inventory/hosts.yml", renderInventory(model, servers)],
    ["ansible/inventory/known_hosts", renderKnownHosts(model, servers)],
    ["ansible/inventory/group_vars/all/main.yml", renderGroupVars(model, lock)],
    ...renderTfvars(model, servers),
    ...renderKubernetes(model, lock),
  ];
  const tree = new Map<string, RenderedFile>(pinShipped(shipped, model, lock));
  for (const [path, text] of rendered) tree.set(path, { text, mode: 0o644 });
  return tree;
}
