import type { Stage } from "../../run/stage.ts";
import type { ClusterContext } from "../context.ts";
import { bring, look } from "../stack/bring.ts";
import { lookUp } from "./served.ts";

/** At Cloudflare: the domain's records, the backups' bucket, the tokens of what runs in the cluster, the tunnel. */
export const dns: Stage<ClusterContext> = {
  name: "dns",
  async observe(context) {
    const { model } = context;
    if (model.cloudflare === null) return { state: "ok", reason: "cluster.yaml has no `cloudflare`" };
    const { declared, served, ok } = await lookUp(context, model.domain);
    if (ok) return { state: "ok", reason: `${model.domain} is served as declared` };
    if (served.length === 0) return { state: "absent", reason: `${model.domain} has no address` };
    return {
      state: "changed",
      reason: `${model.domain} leads to ${served.join(", ")}, declared are ${declared.join(", ")}`,
    };
  },
  async plan(context) {
    if (context.model.cloudflare === null) return [];
    if (context.secrets.TF_VAR_state_access_key_id === undefined) return fromNothing(context);
    const { changes, values } = await look({ context, stage: "dns", stack: "cloudflare" });
    context.cloudflareOutputs = values;
    return changes;
  },
  async apply(context, emit) {
    if (context.model.cloudflare === null) return {};
    const { changes, values } = await bring({ context, stage: "dns", stack: "cloudflare" }, emit);
    context.cloudflareOutputs = values;
    return changes.length === 0 ? {} : { cloudflare: { ok: 0, changed: changes.length, failed: 0 } };
  },
};

/** Nothing was ever made: what will be, as far as it is known before the servers have addresses. */
function fromNothing({ model: { domain, cloudflare } }: ClusterContext) {
  return [
    `bucket ${cloudflare?.stateBucket}`,
    `bucket ${cloudflare?.backupBucket}`,
    `records of ${domain} and *.${domain}`,
  ].map((resource) => ({
    stage: "dns",
    action: "create" as const,
    resource: `cloudflare: ${resource}`,
    reason: "declared, and not there yet",
    protected: false,
  }));
}
