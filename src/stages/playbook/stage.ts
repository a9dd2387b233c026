import type { Stage } from "../../run/stage.ts";
import { runPlaybook } from "../../tools/ansible/playbook.ts";
import type { ClusterContext } from "../context.ts";
import { dryRun, toObservation } from "./observe.ts";
import { plan } from "./plan.ts";

/** A stage that is a tag of `site.yml`. */
export function playbookStage(name: string): Stage<ClusterContext> {
  return {
    name,
    observe: async (context) => toObservation(await dryRun(context, name)),
    plan: async (context) => plan(name, await dryRun(context, name)),
    apply: async (context, emit) =>
      (await runPlaybook({ ...context, name: "site", stage: name }, emit)).hosts,
  };
}
