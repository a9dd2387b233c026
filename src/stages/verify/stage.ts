import type { Stage } from "../../run/stage.ts";
import { runPlaybook } from "../../tools/ansible/playbook.ts";
import type { ClusterContext } from "../context.ts";
import { observe, tellUndeclared } from "./observe.ts";

/** The cluster is what was declared: `ansible/playbooks/verify.yml` looks on every host and changes nothing. */
export const verify: Stage<ClusterContext> = {
  name: "verify",
  async observe(context) {
    const { nodes, undeclared, fault } = await observe(context, new Date());
    if (fault !== "") return { state: "failed", reason: fault };
    if (undeclared.length > 0) return { state: "failed", reason: tellUndeclared(undeclared) };
    const unready = nodes.filter((node) => !node.ready).map((node) => node.name);
    return unready.length === 0
      ? { state: "ok", reason: "every node is Ready" }
      : { state: "failed", reason: `not Ready: ${unready.join(", ")}` };
  },
  plan: () => Promise.resolve([]),
  apply: async (context, emit) =>
    (await runPlaybook({ ...context, name: "verify", stage: "verify" }, emit)).hosts,
};
