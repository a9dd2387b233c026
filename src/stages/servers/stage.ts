import { setTimeout as sleep } from "node:timers/promises";
import type { Emit, HostSummary } from "../../output/events.ts";
import type { Stage } from "../../run/stage.ts";
import { runScript } from "../../tools/ssh/ssh.ts";
import { type ClusterContext, targetOf } from "../context.ts";
import { createServers, lookAtClouds } from "./create.ts";
import { observe, type ServerObservation } from "./observe.ts";
import { plan } from "./plan.ts";

/** Servers exist and let us in. OpenTofu makes them where `cluster.yaml` has `cloudflare`; else `servers.json` brings them. */
export const servers: Stage<ClusterContext> = {
  name: "servers",
  async observe(context) {
    const faulty = (await observe(context)).flatMap(({ fault }) => (fault === undefined ? [] : [fault.what]));
    return faulty.length === 0
      ? { state: "ok", reason: "every server answers" }
      : { state: "failed", reason: faulty.join("; ") };
  },
  async plan(context) {
    const { model, secrets } = context;
    return model.cloudflare === null || secrets.TF_VAR_state_access_key_id === undefined
      ? plan(await observe(context))
      : lookAtClouds(context);
  },
  async apply(context, emit) {
    const made: Awaited<ReturnType<typeof createServers>> =
      context.model.cloudflare === null ? { hosts: {}, fresh: [] } : await createServers(context, emit);
    await Promise.all(
      [...new Set([...made.fresh, ...Object.keys(made.hosts)])].map((name) => settled(context, name)),
    );
    const observed = await observe(context);
    // A run about everything goes on without the hosts that are still to join; the stage verify counts them.
    const blocking = observed.filter(({ awaited }) => !awaited || context.limit.length > 0);
    for (const { node, fault } of blocking) if (fault !== undefined) tell(node.name, fault, emit);
    return {
      ...made.hosts,
      ...Object.fromEntries(
        blocking.map(({ node, fault }): [string, HostSummary] => [
          node.name,
          {
            ok: fault === undefined ? 1 : 0,
            changed: made.hosts[node.name]?.changed ?? 0,
            failed: fault === undefined ? 0 : 1,
          },
        ]),
      ),
    };
  },
};

const SETTLE_MS = 300_000;

/** A new server lets its user in once cloud-init has made it, and is left alone until cloud-init has ended. */
async function settled(context: ClusterContext, name: string): Promise<void> {
  const node = context.model.nodes.find((one) => one.name === name);
  const target = node === undefined ? undefined : targetOf(context, node);
  if (target === undefined) return;
  const wait = "! command -v cloud-init >/dev/null || cloud-init status --wait >/dev/null || true";
  for (const deadline = Date.now() + SETTLE_MS; Date.now() < deadline; await sleep(1000)) {
    if ((await runScript(target, wait, SETTLE_MS)).exitCode === 0) return;
  }
}

function tell(host: string, { what, why, fix }: NonNullable<ServerObservation["fault"]>, emit: Emit): void {
  const message = `${what}\n  why: ${why}\n  fix: ${fix}`;
  emit({ event: "host", stage: "servers", host, state: "failed", task: "reach the server", message });
}
