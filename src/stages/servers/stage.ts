import type { Emit, HostSummary } from "../../output/events.ts";
import type { Stage } from "../../run/stage.ts";
import type { ClusterContext } from "../context.ts";
import { observe, type ServerObservation } from "./observe.ts";
import { plan } from "./plan.ts";

/** Servers exist and let us in. They are brought by `servers.json`; nothing is created here yet. */
export const servers: Stage<ClusterContext> = {
  name: "servers",
  async observe(context) {
    const faulty = (await observe(context)).flatMap(({ fault }) => (fault === undefined ? [] : [fault.what]));
    return faulty.length === 0
      ? { state: "ok", reason: "every server answers" }
      : { state: "failed", reason: faulty.join("; ") };
  },
  async plan(context) {
    return plan(await observe(context));
  },
  async apply(context, emit) {
    const observed = await observe(context);
    // A run about everything goes on without the hosts that are still to join; the stage verify counts them.
    const blocking = observed.filter(({ awaited }) => !awaited || context.limit.length > 0);
    for (const { node, fault } of blocking) if (fault !== undefined) tell(node.name, fault, emit);
    return Object.fromEntries(
      blocking.map(({ node, fault }): [string, HostSummary] => [
        node.name,
        { ok: fault === undefined ? 1 : 0, changed: 0, failed: fault === undefined ? 0 : 1 },
      ]),
    );
  },
};

function tell(host: string, { what, why, fix }: NonNullable<ServerObservation["fault"]>, emit: Emit): void {
  const message = `${what}\n  why: ${why}\n  fix: ${fix}`;
  emit({ event: "host", stage: "servers", host, state: "failed", task: "reach the server", message });
}
