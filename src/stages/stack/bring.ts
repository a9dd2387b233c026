import { existsSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { masterOf, type StackName } from "../../config/model.ts";
import { type Fault, formatFault, UserError } from "../../output/errors.ts";
import type { Emit } from "../../output/events.ts";
import type { Change } from "../../run/stage.ts";
import { collisionsAt } from "../../tools/inventory/collisions.ts";
import { thingsAt } from "../../tools/inventory/inventory.ts";
import type { Thing } from "../../tools/inventory/thing.ts";
import { ensureTofu } from "../../tools/tofu/install.ts";
import { StateLocked } from "../../tools/tofu/messages.ts";
import { isLeftByUs } from "../../tools/tofu/runs.ts";
import * as door from "../../tools/tofu/stack.ts";
import type { ClusterContext } from "../context.ts";
import { adopt, close, concerned, removeDoubles, switchOn, toClose, toSwitchOn } from "./adopt.ts";
import { lostMaster, nodeOf, refusals, strays, toChanges } from "./plan.ts";

export interface StackResult {
  /** What was applied. */
  changes: Change[];
  /** The outputs; sensitive ones too, so never log them. */
  values: Readonly<Record<string, unknown>>;
}

interface Job {
  context: ClusterContext;
  stage: string;
  stack: StackName;
  options?: door.PlanOptions;
}

/** A plan that is not to be applied by anybody who has not named what goes. */
export class Refused extends UserError {
  constructor(faults: readonly Fault[]) {
    super({ what: faults.map(formatFault).join("\n") });
    this.name = "Refused";
  }
}

/** Whether the repository has the stack's files. */
export function hasStack(context: ClusterContext, name: StackName): boolean {
  return existsSync(door.stackFolder({ root: context.root, name }));
}

/** What applying the stack would do. Changes nothing. */
export async function look(job: Job): Promise<StackResult> {
  const stack = await open(job.context, job.stack);
  const [plan, things] = await Promise.all([planned(job, stack), thingsOf(job)]);
  const changes = toChanges(job.stage, job.stack, plan);
  return {
    changes: [...changes, ...toSwitchOn(things), ...toClose(strays(plan, things))],
    values: plan.values,
  };
}

/** Of servers and their rules OpenTofu does not see everything; for the rest it is asked only when something is to be made. */
async function thingsOf({ context, stack }: Job): Promise<Thing[]> {
  return stack === "cloudflare" ? [] : concerned(context, await thingsAt(stack, context));
}

/** A stack that may be applied: nobody's thing is in its way, and what it destroys was named. */
export interface Prepared {
  stack: door.Stack;
  plan: door.StackPlan;
  things: readonly Thing[];
}

/** Looks at everything that could forbid applying the stack. Changes nothing; throws `Refused`. */
export async function prepare(job: Job): Promise<Prepared> {
  const { context, stage, stack: name } = job;
  const stack = await open(context, name);
  const [plan, things] = await Promise.all([planned(job, stack), thingsOf(job)]);
  const refused = refusals(toChanges(stage, name, plan), context.allowDestroy);
  const { name: master } = masterOf(context.model);
  if (context.servers[master] !== undefined && context.restoring !== true)
    refused.push(...lostMaster(plan, things, master));
  if (makes(plan)) refused.push(...(await collisionsAt(name, context)));
  if (refused.length > 0) throw new Refused(refused);
  return { stack, plan, things };
}

const makes = ({ changes }: door.StackPlan) => changes.some(({ action }) => action === "create");

const ATTEMPTS = 4;

/**
 * Makes at the provider what the stack says. What fails is tried again, since providers are out of breath at times, until it
 * fails in the same words twice; each time, what an answer that got lost has left is found and adopted first.
 */
export async function bring(job: Job, emit: Emit, prepared?: Prepared): Promise<StackResult> {
  let before = "";
  for (let attempt = 1; ; attempt++) {
    try {
      if (job.options?.destroy !== true)
        return await once(job, (attempt === 1 ? prepared : undefined) ?? (await prepare(job)), emit);
      const stack = await open(job.context, job.stack);
      return await applied(job, stack, await planned(job, stack), [], emit);
    } catch (error) {
      if (!(error instanceof UserError) || error instanceof Refused || error instanceof StateLocked)
        throw error;
      if (attempt === ATTEMPTS || error.message === before) throw error;
      before = error.message;
      emit({ event: "log", level: "warning", message: `${error.message}\n  it is tried again` });
      await sleep(2000 * attempt);
    }
  }
}

async function once(job: Job, { stack, things, plan: first }: Prepared, emit: Emit): Promise<StackResult> {
  const { context, stack: name } = job;
  const on = await switchOn(context, stack, things, emit);
  // A server may come back under another address.
  let plan = on.length > 0 ? await planned(job, stack) : first;
  const there = makes(plan) && name === "cloudflare" ? await thingsAt(name, context) : things;
  if (makes(plan) && (await adopt(context, stack, plan, there, emit))) plan = await planned(job, stack);
  const closed = await close(context, strays(plan, things), emit);
  return applied(job, stack, plan, [...on, ...closed], emit);
}

async function applied(
  { context, stage, stack: name, options }: Job,
  stack: door.Stack,
  plan: door.StackPlan,
  done: Change[],
  emit: Emit,
): Promise<StackResult> {
  if (plan.empty) return { changes: done, values: plan.values };
  const changes = [...done, ...toChanges(stage, name, plan)];
  await door.apply(stack, plan, ({ address, action, state, seconds }) => {
    if (state === "start" || state === "failed") return;
    emit({ event: "log", level: "info", message: `${name}: ${action} ${address}: ${state} (${seconds} s)` });
  });
  const values = await door.outputs(stack);
  const made = plan.changes.some(
    ({ action, address }) => action === "create" && nodeOf(address) !== undefined,
  );
  if (made && options?.destroy !== true) await removeDoubles(context, stack, emit);
  return { changes, values };
}

export async function open(
  { root, secrets, logFile, lock }: Pick<ClusterContext, "root" | "secrets" | "logFile" | "lock">,
  name: StackName,
): Promise<door.Stack> {
  const stack = { tofu: await ensureTofu(lock, () => {}), root, name, secrets, logFile };
  await door.init(stack);
  return stack;
}

/** The plan; a lock that a killed run of ours left is taken away first. */
async function planned({ options = {} }: Job, stack: door.Stack): Promise<door.StackPlan> {
  // HCL's own guard would end the plan with an error; `refusals` says what would go, and how to let it.
  const own = stack.name === "cloudflare" ? { variables: { protect_backups: "false" } } : {};
  try {
    return await door.plan(stack, { ...options, ...own });
  } catch (error) {
    if (!(error instanceof StateLocked) || !(await isLeftByUs(stack.root, stack.name, error.lock)))
      throw error;
    await door.forceUnlock(stack, error.lock.id);
    return door.plan(stack, { ...options, ...own });
  }
}
