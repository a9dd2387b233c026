import { setTimeout as sleep } from "node:timers/promises";
import { UserError } from "../../output/errors.ts";
import type { Emit } from "../../output/events.ts";
import type { Change } from "../../run/stage.ts";
import { deleteThing, powerOn, thingsAt } from "../../tools/inventory/inventory.ts";
import type { Thing } from "../../tools/inventory/thing.ts";
import { importResource, type Stack, type StackPlan, stateIds } from "../../tools/tofu/stack.ts";
import type { ClusterContext } from "../context.ts";
import { doubles, leftovers, nodeOf } from "./plan.ts";

const info = (emit: Emit, message: string) => emit({ event: "log", level: "info", message });
const inUse = ({ servers }: ClusterContext) => Object.values(servers).flatMap(({ id }) => id ?? []);

/** Takes into the state what is at the provider, is ours, and the state does not know. True where there was such a thing. */
export async function adopt(
  context: ClusterContext,
  stack: Stack,
  plan: StackPlan,
  things: readonly Thing[],
  emit: Emit,
): Promise<boolean> {
  const { imports, useless } = leftovers(plan, things, inUse(context));
  await deleteYoung(context, useless, emit);
  for (const { type, name, address, importId } of imports) {
    info(emit, `${stack.name}: ${type} ${name} is there already: taken into the state`);
    await importResource(stack, address, importId);
  }
  return imports.length + useless.length > 0;
}

/** Deletes what a provider's library made twice, since it asks again when an answer got lost. */
export async function removeDoubles(context: ClusterContext, stack: Stack, emit: Emit): Promise<void> {
  const [things, ids] = await Promise.all([thingsAt(stack.name, context), stateIds(stack)]);
  await deleteYoung(context, doubles(things, ids), emit);
}

const YOUNG_MS = 60 * 60_000;

/** A server of some age may have data on it, and nobody but a person can tell which of two is the one. */
async function deleteYoung(context: ClusterContext, useless: readonly Thing[], emit: Emit): Promise<void> {
  const first = useless.find(({ created }) => created !== "" && Date.now() - Date.parse(created) > YOUNG_MS);
  if (first !== undefined) {
    throw new UserError({
      what: `${first.provider} has ${first.name} more than once`,
      why: `${first.id}, of ${first.created}, is not the one in use, and is too old to be deleted unasked`,
      fix: "look at what is on it, and delete it at the provider; infra-k3s orphans lists all",
    });
  }
  for (const one of useless) {
    info(emit, `${one.provider}: ${one.type} ${one.name} (${one.id}) was made twice: deleted`);
    await deleteThing(context, one);
  }
}

const ON_MS = 120_000;

/** Switches on what was switched off by hand, and waits until the provider says that it is. Returns what was done. */
export async function switchOn(
  context: ClusterContext,
  stack: Stack,
  things: readonly Thing[],
  emit: Emit,
): Promise<Change[]> {
  const off = things.filter(({ power }) => power === "off");
  for (const server of off) {
    info(emit, `${stack.name}: ${server.name} is switched off: switched on`);
    await powerOn(context, server);
  }
  for (const deadline = Date.now() + ON_MS; off.length > 0 && Date.now() < deadline; await sleep(1000)) {
    const now = await thingsAt(stack.name, context);
    if (now.every(({ power, id }) => power !== "off" || off.every((one) => one.id !== id))) break;
  }
  return toSwitchOn(off);
}

export function toSwitchOn(things: readonly Thing[]): Change[] {
  return things
    .filter(({ power }) => power === "off")
    .map(({ provider, address }) => ({
      stage: "servers",
      action: "update",
      resource: `${provider}: ${address}`,
      reason: "it is switched off",
      protected: true,
    }));
}

export function toClose(things: readonly Thing[]): Change[] {
  return things.map(({ provider, name, address }) => ({
    stage: "servers",
    action: "delete",
    resource: `${provider}: ${address}`,
    reason: `the rule ${name} was added by hand`,
    protected: false,
  }));
}

/** Takes rules away that were added by hand. */
export async function close(context: ClusterContext, rules: readonly Thing[], emit: Emit): Promise<Change[]> {
  for (const rule of rules) {
    info(emit, `${rule.provider}: the rule ${rule.name} was added by hand: deleted`);
    await deleteThing(context, rule);
  }
  return toClose(rules);
}

/** Of what a run is about: everything, or what is of the nodes it is limited to. */
export function concerned({ limit }: ClusterContext, things: readonly Thing[]): Thing[] {
  return things.filter(({ address }) => limit.length === 0 || limit.includes(nodeOf(address) ?? ""));
}
