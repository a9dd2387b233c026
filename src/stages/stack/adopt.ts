import type { Emit } from "../../output/events.ts";
import type { Stack, StackPlan } from "../../tools/tofu/stack.ts";
import type { ClusterContext } from "../context.ts";

/** Takes into the state what is at the provider, is ours, and the state does not know. True where there was such a thing. */
export function adopt(
  _context: ClusterContext,
  _stack: Stack,
  _plan: StackPlan,
  _emit: Emit,
): Promise<boolean> {
  return Promise.resolve(false);
}
