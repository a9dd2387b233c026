import type { Lock, LockedArtifact } from "../config/lock.ts";
import type { ClusterModel } from "../config/model.ts";
import { header } from "./file-tree.ts";
import { toYaml } from "./yaml.ts";

/** `ansible/inventory/group_vars/all/main.yml`: what every host is told about the cluster. */
export function renderGroupVars(model: ClusterModel, lock: Lock): string {
  return (
    header("cluster.yaml and versions.lock.json") +
    toYaml({
      cluster_name: model.name,
      cluster_domain: model.domain,
      k3s_version: model.k3s.version,
      k3s_artifacts: files(lock.k3s),
      k3s_cluster_cidr: model.network.podCidr,
      k3s_service_cidr: model.network.serviceCidr,
      k3s_cluster_dns: model.network.clusterDns,
      tailscale_version: lock.tailscale.version,
      tailscale_artifacts: files(lock.tailscale),
      tailscale_tag: model.mesh.tag,
      tailscale_tailnet: model.mesh.tailnet,
      ansible_become: true,
      ansible_python_interpreter: "/usr/bin/python3",
      // The quotes inside keep a path with spaces one file for ssh, which splits the value itself.
      ansible_ssh_common_args:
        `-o StrictHostKeyChecking=yes -o 'UserKnownHostsFile="{{ inventory_dir }}/known_hosts"'` +
        ` -o GlobalKnownHostsFile=/dev/null -o UpdateHostKeys=no` +
        `{{ ' -o IdentitiesOnly=yes' if lookup('ansible.builtin.env', 'INFRA_K3S_SSH_KEY') else '' }}`,
      ansible_ssh_private_key_file:
        "{{ lookup('ansible.builtin.env', 'INFRA_K3S_SSH_KEY') | default(omit, true) }}",
    })
  );
}

function files(artifact: LockedArtifact): Record<string, { url: string; sha256: string }> {
  return artifact.files;
}
