import type { ClusterContext } from "../context.ts";
import { playbookStage } from "../playbook/stage.ts";
import { etcdKey } from "./etcd-key.ts";

/** The K3s server on the master, then agents on the workers: `ansible/roles/k3s_server` and `k3s_agent`. */
export const k3s = playbookStage("k3s", etcdEnvironment);

/** Empty where the stage `dns` did not run before, as with `--only k3s`: what lies on the master then stays as it is. */
export function etcdEnvironment({ cloudflareOutputs }: ClusterContext): Record<string, string> {
  const key = etcdKey(cloudflareOutputs);
  if (key === undefined) return {};
  return {
    INFRA_K3S_ETCD_S3_ACCESS_KEY_ID: key.accessKeyId,
    INFRA_K3S_ETCD_S3_SECRET_ACCESS_KEY: key.secretAccessKey,
  };
}
