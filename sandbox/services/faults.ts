import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { z } from "zod";

/**
 * What a test makes go wrong: the next `times` requests that match. A schedule is a file in the state folder, so a
 * test needs no way into the sandbox's network to set one, and sees in it what has not happened yet.
 */
const FaultSchema = z.strictObject({
  host: z.string(),
  method: z.string().optional(),
  /** A regular expression on the path, query included. */
  path: z.string().default(""),
  times: z.number().int().nonnegative().default(1),
  delayMs: z.number().int().nonnegative().default(0),
  /** Answered instead of doing what was asked. */
  status: z.number().int().optional(),
  body: z.string().default(""),
  headers: z.record(z.string(), z.string()).default({}),
  /** Done as asked, and then the connection ends without an answer. */
  lostReply: z.boolean().default(false),
  /** The share of requests that an ACME server answers with `badNonce`, and a fresh nonce: RFC 8555, section 6.5. */
  badNonce: z.number().min(0).max(1).optional(),
  /** The connection ends after so many bytes of the body. */
  truncateAt: z.number().int().nonnegative().optional(),
});
export type Fault = z.infer<typeof FaultSchema>;
export type FaultRequest = z.input<typeof FaultSchema>;

const ScheduleSchema = z.array(FaultSchema);

export function faultsFile(stateDir: string): string {
  return `${stateDir}/faults.json`;
}

/** Replaces the schedule. */
export function setFaults(file: string, faults: readonly FaultRequest[]): void {
  write(file, ScheduleSchema.parse(faults));
}

export function readFaults(file: string): Fault[] {
  try {
    return ScheduleSchema.parse(JSON.parse(readFileSync(file, "utf8")));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}

/** The fault meant for this request, which is thereby used up once. */
export function takeFault(
  file: string,
  request: { host: string; method: string; path: string },
): Fault | undefined {
  const schedule = readFaults(file);
  const fault = schedule.find(
    ({ host, method, path, times }) =>
      times > 0 &&
      host === request.host &&
      (method === undefined || method === request.method) &&
      new RegExp(path).test(request.path),
  );
  if (fault === undefined) return undefined;
  fault.times -= 1;
  write(file, schedule);
  return fault;
}

function write(file: string, schedule: readonly Fault[]): void {
  const part = `${file}.${process.pid}`;
  writeFileSync(part, JSON.stringify(schedule, null, 2));
  renameSync(part, file);
}
