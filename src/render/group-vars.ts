import type { Lock, LockedArtifact } from "../config/lock.ts";
import { type Cloudflare, type ClusterModel, ETCD_FOLDER, r2Endpoint } from "../config/model.ts";
import { secondLineDays } from "../config/second-line.ts";
import { snapshotCron } from "../config/snapshots.ts";
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
      gitops: model.gitops !== null,
      // Where Cloudflare's edge is in front, nobody else is let in to 80 and 443.
      ...(model.cloudflare?.proxied === true && lock.cloudflareRanges !== undefined
        ? { cloudflare_ranges: lock.cloudflareRanges }
        : {}),
      etcd_snapshot_cron: snapshotCron(model.snapshots.everyMinutes),
      ...(model.cloudflare === null ? {} : { etcd_s3: etcdS3(model, model.cloudflare) }),
      ...(secondLineDays(model) === 0 ? {} : { second_line_days: secondLineDays(model) }),
      report_kind: model.report.kind,
      report_minutes: model.report.everyMinutes,
      ansible_become: true,
      ansible_python_interpreter: "/usr/bin/python3",
      ansible_ssh_common_args: "{{ ssh_args }}",
      // The quotes inside keep a path with spaces one file for ssh, which splits the value itself; Ansible splits all of it before.
      ssh_args:
        `-o StrictHostKeyChecking=yes -o {{ ('UserKnownHostsFile="' ~ inventory_dir ~ '/known_hosts"') | quote }}` +
        ` -o GlobalKnownHostsFile=/dev/null -o UpdateHostKeys=no` +
        `{{ ' -o IdentitiesOnly=yes' if ssh_key else '' }}`,
      ssh_args_over_master: SSH_ARGS_OVER_MASTER,
      ssh_key: "{{ lookup('ansible.builtin.env', 'INFRA_K3S_SSH_KEY') }}",
      ansible_ssh_private_key_file: "{{ ssh_key | default(omit, true) }}",
    })
  );
}

/** Where K3s uploads its snapshots to; the key is OpenTofu's to tell, and comes when Ansible runs. */
function etcdS3({ snapshots }: ClusterModel, { accountId, backupBucket }: Cloudflare): object {
  return {
    endpoint: new URL(r2Endpoint(accountId)).host,
    bucket: backupBucket,
    folder: ETCD_FOLDER,
    keep: snapshots.keep,
    // The timer on the master tells when the newest is older than two of these.
    minutes: snapshots.everyMinutes,
  };
}

/**
 * For hosts that are reached over the mesh alone. Not ProxyJump: the ssh that it starts gets none of these options, and would
 * ask other files for the master's host key and for the operator's key: https://man.openbsd.org/ssh#J
 */
const SSH_ARGS_OVER_MASTER =
  `{{ ssh_args }} -o {{ ('ProxyCommand=ssh ' ~ ssh_args ~ ' -o BatchMode=yes -o ConnectTimeout=15'` +
  ` ~ (' -i ' ~ ssh_key | quote if ssh_key else '') ~ ' -l ' ~ hostvars[groups['k3s_masters'] | first].ansible_user` +
  ` ~ ' -W %h:%p ' ~ hostvars[groups['k3s_masters'] | first].ansible_host) | quote }}`;

function files(artifact: LockedArtifact): Record<string, { url: string; sha256: string }> {
  return artifact.files;
}
