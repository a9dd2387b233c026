import { z } from "zod";
import { type Fault, UserError } from "../../output/errors.ts";

/** What happens to one resource while a plan is applied. */
export interface Progress {
  address: string;
  state: "start" | "waiting" | "done" | "failed";
  action: string;
  seconds: number;
}

/** Who holds a state's lock, as OpenTofu tells it. */
export interface LockInfo {
  id: string;
  /** `user@host` */
  who: string;
  operation: string;
  created: string;
}

/** Somebody else runs on this state, or did until it was killed. */
export class StateLocked extends UserError {
  readonly lock: LockInfo;
  constructor(fault: Fault, lock: LockInfo) {
    super(fault);
    this.name = "StateLocked";
    this.lock = lock;
  }
}

const Line = z.discriminatedUnion("type", [
  z.object({
    type: z.enum(["apply_start", "apply_progress", "apply_complete", "apply_errored"]),
    hook: z.object({
      resource: z.object({ addr: z.string() }),
      action: z.string(),
      elapsed_seconds: z.number().default(0),
    }),
  }),
  z.object({
    type: z.literal("diagnostic"),
    diagnostic: z.object({
      severity: z.string(),
      summary: z.string(),
      detail: z.string().default(""),
      address: z.string().optional(),
    }),
  }),
]);

export type Message = Progress | { error: string } | undefined;

const STATES = {
  apply_start: "start",
  apply_progress: "waiting",
  apply_complete: "done",
  apply_errored: "failed",
} as const;

/** A line of `-json` output: https://opentofu.org/docs/internals/machine-readable-ui */
export function readMessage(line: string): Message {
  if (!line.startsWith("{")) return undefined;
  let json: unknown;
  try {
    json = JSON.parse(line);
  } catch {
    return undefined;
  }
  const parsed = Line.safeParse(json);
  if (!parsed.success) return undefined;
  if (parsed.data.type === "diagnostic") {
    const { severity, summary, detail, address } = parsed.data.diagnostic;
    if (severity !== "error") return undefined;
    return {
      error: [address === undefined ? summary : `${address}: ${summary}`, detail].filter(Boolean).join("\n"),
    };
  }
  const { resource, action, elapsed_seconds } = parsed.data.hook;
  return { address: resource.addr, state: STATES[parsed.data.type], action, seconds: elapsed_seconds };
}

/** The failure of a command, from what it said. */
export function failure(what: string, said: string): UserError {
  const lock = lockIn(said);
  if (lock === undefined) return new UserError({ what, why: said });
  const fault = {
    what: `${what}: its state is locked by ${lock.who} since ${lock.created} (${lock.operation})`,
    why: "somebody runs on this state, or did until it was killed",
    fix: `wait for the end of that run; if it is dead: tofu force-unlock ${lock.id}`,
  };
  return new StateLocked(fault, lock);
}

/** https://github.com/opentofu/opentofu/blob/v1.12.6/internal/states/statemgr/locker.go prints it so. */
function lockIn(said: string): LockInfo | undefined {
  const field = (name: string) => new RegExp(`^\\W*${name}:\\s+(.+?)\\s*$`, "m").exec(said)?.[1];
  const id = field("ID");
  if (!said.includes("Lock Info:") || id === undefined) return undefined;
  return {
    id,
    who: field("Who") ?? "unknown",
    operation: field("Operation") ?? "unknown",
    created: field("Created") ?? "unknown",
  };
}
