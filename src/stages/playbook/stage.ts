import type { Stage } from "../../run/stage.ts";
import { runPlaybook } from "../../tools/ansible/playbook.ts";
import type { ClusterContext } from "../context.ts";
import { dryRun, toObservation } from "./observe.ts";
import { plan } from "./plan.ts";

/** Variables for Ansible alone, of what other stages saw. */
export type Environment = (context: ClusterContext) => Readonly<Record<string, string>>;

/** A stage that is a tag of `site.yml`. */
export function playbookStage(name: string, environment: Environment = () => ({})): Stage<ClusterContext> {
  return {
    name,
    observe: async (context) => toObservation(await dryRun(context, name, environment(context))),
    plan: async (context) => plan(name, await dryRun(context, name, environment(context))),
    apply: async (context, emit) =>
      (await runPlaybook({ ...context, name: "site", stage: name, environment: environment(context) }, emit))
        .hosts,
  };
}
