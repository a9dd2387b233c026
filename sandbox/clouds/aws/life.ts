import type { Machines } from "../machines.ts";
import { absent, Refusal } from "./answer.ts";
import { each } from "./call.ts";
import type { Instance, Region } from "./state.ts";

/** How long anything takes at this vendor, in milliseconds. */
const TAKES = 400;
/** A host that has not begun to boot by then has ended by itself. */
const BOOTS = 10_000;
/** https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/terminating-instances.html: still seen for an hour. */
const REMEMBERED = 3_600_000;

const CODES = { pending: 0, running: 16, "shutting-down": 32, terminated: 48, stopping: 64, stopped: 80 };
export type StateName = keyof typeof CODES;

/** https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-instance-lifecycle.html */
export function stateOf(one: Instance, machines: Machines, now: number): StateName {
  if (one.terminated !== undefined) return isGone(one, now) ? "terminated" : "shutting-down";
  const changing = now < one.since + TAKES;
  if (!one.on) return changing ? "stopping" : "stopped";
  if (changing || one.host === "") return "pending";
  if (machines.isRunning(one.host)) return "running";
  return now < one.since + BOOTS ? "pending" : "stopped";
}

export const showState = (name: StateName) => ({ code: CODES[name], name });

export const isGone = ({ terminated }: Instance, now: number): boolean =>
  terminated !== undefined && now >= terminated + TAKES;

/** The instances that are still spoken of. */
export const remembered = (region: Region, now: number): Instance[] =>
  region.instances.filter(({ terminated }) => terminated === undefined || now < terminated + REMEMBERED);

const missing = absent("InvalidInstanceID.NotFound", "The instance ID '%' does not exist");

export function findInstances(region: Region, ids: readonly string[], now: number): Instance[] {
  for (const id of ids)
    if (!/^i-[0-9a-f]{8,17}$/.test(id))
      throw new Refusal("InvalidInstanceID.Malformed", `Invalid id: "${id}"`);
  return each(remembered(region, now), ids, ({ id }) => id, missing);
}
