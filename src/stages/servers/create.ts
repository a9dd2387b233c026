import { z } from "zod";
import { CLOUDS, type CloudProvider, type Servers, stacksOf } from "../../config/model.ts";
import { formatFault, UserError } from "../../output/errors.ts";
import type { Emit, HostSummary } from "../../output/events.ts";
import type { Change } from "../../run/stage.ts";
import { scanHostKey } from "../../tools/ssh/host-key.ts";
import type { ClusterContext } from "../context.ts";
import { bring, hasStack, look, prepare, Refused } from "../stack/bring.ts";
import { nodeOf } from "../stack/plan.ts";
import { type Created, merge } from "./parse.ts";

const OutputSchema = z.record(
  z.string(),
  z.object({ publicIp: z.string(), publicIpv6: z.string().nullable(), sshUser: z.string(), id: z.string() }),
);

/** The clouds a run is about: all that have a stack, or those of the nodes it is limited to. */
function cloudsOf(context: ClusterContext): CloudProvider[] {
  const { model, limit } = context;
  const nodes = limit.map((name) => model.nodes.find((node) => node.name === name));
  // Of a node that is no longer declared nobody knows where it stands.
  const all = limit.length === 0 || nodes.includes(undefined);
  return CLOUDS.filter(
    (cloud) => hasStack(context, cloud) && (all || nodes.some((node) => node?.provider === cloud)),
  );
}

function jobOf(context: ClusterContext, stack: CloudProvider) {
  // With the last server goes what all of them shared.
  const some = context.model.nodes.some(({ provider }) => provider === stack);
  const targets = some ? context.limit.map((node) => `module.server["${node}"]`) : [];
  return { context, stage: "servers", stack, options: { targets } };
}

function requireKey({ model }: ClusterContext): void {
  if (model.sshPublicKey !== "" || stacksOf(model).length === 1) return;
  throw new UserError({
    what: "cluster.yaml has no ssh.publicKey",
    why: "new servers let in whoever has its private part, and nobody else",
    fix: "add your public key: ssh: { publicKey: ssh-ed25519 AAAA… }; `infra-k3s init` writes it where it finds one",
  });
}

/** What would be created, changed and destroyed. */
export async function lookAtClouds(context: ClusterContext): Promise<Change[]> {
  requireKey(context);
  const results = await Promise.all(cloudsOf(context).map((cloud) => look(jobOf(context, cloud))));
  return results.flatMap(({ changes }) => changes);
}

/**
 * Makes the servers at all clouds at once. What one of them made is kept when another fails. Returns what was done on each
 * node, or at each provider where it is of no node, and the nodes whose server is new.
 */
export async function createServers(
  context: ClusterContext,
  emit: Emit,
): Promise<{ hosts: Record<string, HostSummary>; fresh: string[] }> {
  requireKey(context);
  const clouds = cloudsOf(context);
  const prepared = await Promise.allSettled(clouds.map((cloud) => prepare(jobOf(context, cloud))));
  // What is refused at one cloud is told before anything is done at another.
  const refused = prepared.flatMap((one) =>
    one.status === "rejected" && one.reason instanceof Refused ? [one.reason.message] : [],
  );
  if (refused.length > 0) throw new UserError({ what: refused.join("\n") });
  const results = await Promise.allSettled(
    clouds.map((cloud, index) => {
      const one = prepared[index];
      return bring(jobOf(context, cloud), emit, one?.status === "fulfilled" ? one.value : undefined);
    }),
  );
  const hosts: Record<string, HostSummary> = {};
  const created = new Map<string, Created>();
  const failures: string[] = [];
  for (const [index, result] of results.entries()) {
    const cloud = clouds[index] ?? "hetzner";
    if (result.status === "rejected") {
      if (!(result.reason instanceof UserError)) throw result.reason;
      failures.push(formatFault(result.reason.fault));
      continue;
    }
    for (const [name, server] of Object.entries(OutputSchema.parse(result.value.values["servers"] ?? {})))
      created.set(name, { ...server, cloud });
    for (const { resource } of result.value.changes) {
      const host = nodeOf(resource.slice(resource.indexOf(": ") + 2)) ?? cloud;
      hosts[host] = { ok: 0, changed: (hosts[host]?.changed ?? 0) + 1, failed: 0 };
    }
  }
  const read = clouds.filter((_, index) => results[index]?.status === "fulfilled");
  const { servers, fresh, gone } = merge(context, created, { read, isAll: read.length === clouds.length });
  if (fresh.length > 0 || gone.length > 0 || JSON.stringify(servers) !== JSON.stringify(context.servers))
    context.saveServers(await pinned(servers, fresh, emit));
  if (failures.length > 0) throw new UserError({ what: failures.join("\n") });
  return { hosts, fresh };
}

/** The host keys of new servers, as they show them at the first contact; from then on no other is taken. */
async function pinned(servers: Servers, fresh: readonly string[], emit: Emit): Promise<Servers> {
  const keys = await Promise.all(
    fresh.map(async (name) => {
      const address = servers[name]?.publicIp ?? "";
      const sshHostKey = await scanHostKey(name, address);
      emit({
        event: "log",
        level: "info",
        message: `${name} (${address}) answers; its host key is pinned in servers.json`,
      });
      return [name, sshHostKey] as const;
    }),
  );
  return Object.fromEntries(
    Object.entries(servers).map(([name, server]) => {
      const key = keys.find(([of]) => of === name);
      return [name, key === undefined ? server : { ...server, sshHostKey: key[1] }];
    }),
  );
}
