import type { Emit, HostSummary } from "../output/events.ts";

/** How a stage stands, seen without changing anything. */
export interface Observation {
  state: "ok" | "changed" | "failed" | "absent";
  reason: string;
}

/** One thing that applying a stage would do. */
export interface Change {
  stage: string;
  action: "create" | "update" | "delete";
  resource: string;
  reason: string;
  protected: boolean;
}

/** What the runner asks of a step; all that a step of `node remove` is. */
export interface Step<C> {
  readonly name: string;
  apply(context: C, emit: Emit): Promise<Record<string, HostSummary>>;
}

/** A step of `up`. `C` is what all stages of a command share; the runner knows nothing of it. */
export interface Stage<C> extends Step<C> {
  observe(context: C): Promise<Observation>;
  plan(context: C): Promise<Change[]>;
}
