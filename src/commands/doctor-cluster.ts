import { createHash } from "node:crypto";
import { masterOf } from "../config/model.ts";
import { judgeCluster } from "../doctor/cluster/judge.ts";
import { lookAtCluster } from "../doctor/cluster/observe.ts";
import type { Wanted } from "../doctor/cluster/facts.ts";
import type { Finding } from "../doctor/finding.ts";
import { everyRecipient } from "../secrets/rules.ts";
import { targetOf } from "../stages/context.ts";
import { requireLock } from "../tools/downloads/lock.ts";
import { readAgeKeys } from "../tools/sops/age.ts";
import type { Cluster } from "./cluster.ts";
import { readRules } from "./secrets-place.ts";

/** What of GitOps, ingress and TLS is wrong in the cluster; nothing where cluster.yaml has no `gitops`. */
export async function diagnoseCluster(cluster: Cluster): Promise<Finding[]> {
  const { model } = cluster;
  if (model.gitops === null) return [];
  const master = masterOf(model);
  const target = targetOf(cluster, master);
  // That the master is not there or not reached is told of it as a host.
  if (target === undefined) return [];
  const [facts, wanted] = await Promise.all([
    lookAtCluster(target),
    wantedOf(cluster, model.gitops.repository),
  ]);
  if ("crds" in facts) return judgeCluster(facts, wanted);
  const message = `the cluster can't be looked at: ${facts.why}`;
  return [{ check: "argocd", severity: "error", host: "cluster", message, fix: facts.fix }];
}

async function wantedOf({ root, model }: Cluster, repository: string): Promise<Wanted> {
  const keys = await readAgeKeys(root);
  return {
    repository,
    gatewayApi: requireLock(root, model).manifests?.gatewayApi?.version ?? "",
    tunnel: model.cloudflare?.tunnel === true,
    ageKeys: Object.fromEntries(keys.map(({ identity, recipient }) => [hash(identity), recipient])),
    recipients: everyRecipient(readRules(root) ?? []).map(({ key }) => key),
  };
}

function hash(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
