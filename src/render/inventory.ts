import {
  type ClusterModel,
  type ClusterNode,
  type Server,
  type Servers,
  sshAddress,
} from "../config/model.ts";
import { header } from "./file-tree.ts";
import { toYaml } from "./yaml.ts";

/** `ansible/inventory/hosts.yml`: nodes without a server yet are left out, so that a partial cluster works. */
export function renderInventory(model: ClusterModel, servers: Servers): string {
  const group = (role: ClusterNode["role"]) => ({
    hosts: Object.fromEntries(
      model.nodes.flatMap((node) => {
        const server = servers[node.name];
        return node.role !== role || server === undefined ? [] : [[node.name, hostVars(node, server)]];
      }),
    ),
  });
  return (
    header("cluster.yaml and servers.json") +
    toYaml({ all: { children: { k3s_masters: group("master"), k3s_workers: group("worker") } } })
  );
}

function hostVars(node: ClusterNode, server: Server): Record<string, string | boolean> {
  return {
    ansible_host: sshAddress(server),
    ansible_user: server.sshUser,
    node_provider: node.provider,
    node_region: node.region,
    node_arch: node.arch,
    node_public_ip: server.publicIp,
    node_ingress: node.ingress,
    // Over the master: group_vars/all/main.yml.
    ...(server.publicIp === "" ? { ansible_ssh_common_args: "{{ ssh_args_over_master }}" } : {}),
  };
}

/** `ansible/inventory/known_hosts`: the pinned host keys, the only ones ssh accepts. */
export function renderKnownHosts(model: ClusterModel, servers: Servers): string {
  const lines = model.nodes.flatMap((node) => {
    const server = servers[node.name];
    return server === undefined ? [] : [`${sshAddress(server)} ${server.sshHostKey}`];
  });
  return header("servers.json") + lines.map((line) => `${line}\n`).join("");
}
