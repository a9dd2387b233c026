import type { Change } from "../../run/stage.ts";
import type { PlaybookResult } from "../../tools/ansible/playbook.ts";

/** One change for every task that the dry run would have changed something by. */
export function plan(stage: string, observed: PlaybookResult): Change[] {
  return observed.changes.map(({ host, task, message }) => ({
    stage,
    action: "update",
    resource: `${host}: ${task}`,
    reason: message || "not as declared",
    protected: false,
  }));
}
