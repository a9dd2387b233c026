import type { Observation } from "../../run/stage.ts";
import { type PlaybookResult, runPlaybook } from "../../tools/ansible/playbook.ts";
import type { ClusterContext } from "../context.ts";

/** Ansible's dry run of one tag of `site.yml`: what it would change. */
export function dryRun(
  context: ClusterContext,
  stage: string,
  environment: Readonly<Record<string, string>> = {},
): Promise<PlaybookResult> {
  return runPlaybook({ ...context, name: "site", stage, check: true, environment }, () => {});
}

export function toObservation(result: PlaybookResult): Observation {
  const failed = Object.keys(result.hosts).filter((host) => (result.hosts[host]?.failed ?? 0) > 0);
  if (failed.length > 0) return { state: "failed", reason: `the dry run failed on ${failed.join(", ")}` };
  const [first] = result.changes;
  if (first === undefined) return { state: "ok", reason: "as declared" };
  const more = result.changes.length - 1;
  return { state: "changed", reason: `${first.host}: ${first.task}${more > 0 ? ` and ${more} more` : ""}` };
}
