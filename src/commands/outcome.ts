import { existsSync } from "node:fs";
import { EXIT, type ExitCode } from "../output/errors.ts";
import type { DoneEvent } from "../output/events.ts";
import type { Io } from "../output/io.ts";

/** What a person is told when stages or steps did not come to a good end, and the exit code. */
export function concluded(done: DoneEvent, logFile: string, again: string, io: Io): ExitCode {
  if (done.ok) return EXIT.ok;
  io.err(logHint(logFile));
  // Of an interrupted one, cli.ts says how it goes on.
  if (done.interrupted !== true)
    io.err(`mend what failed and run ${again} again: it goes on where it stopped\n`);
  return EXIT.failed;
}

/** Where the programs' whole output is, once there is any. */
export function logHint(logFile: string | undefined): string {
  return logFile !== undefined && existsSync(logFile) ? `the whole output is in ${logFile}\n` : "";
}
