import type { Stage } from "../../run/stage.ts";
import { notJoined } from "../servers/observe.ts";
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
  async apply(context, emit) {
    const { hosts } = await runPlaybook({ ...context, name: "verify", stage: "verify" }, emit);
    const awaited = context.model.nodes.filter(
      (node) => node.behindNat && context.servers[node.name] === undefined,
    );
    for (const node of awaited) {
      const { what, why, fix } = notJoined(node);
      const message = `${what}\n  why: ${why}\n  fix: ${fix}`;
      emit({
        event: "host",
        stage: "verify",
        host: node.name,
        state: "failed",
        task: "find the host in the mesh",
        message,
      });
    }
    return {
      ...hosts,
      ...Object.fromEntries(awaited.map(({ name }) => [name, { ok: 0, changed: 0, failed: 1 }])),
    };
  },
};
