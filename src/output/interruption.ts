import { EXIT, type ExitCode, UserError } from "./errors.ts";

/** The signals that ask a run to end, with what it exits with then. */
export const ENDING = {
  SIGINT: EXIT.interrupted,
  SIGTERM: EXIT.terminated,
  SIGHUP: EXIT.hungUp,
} as const satisfies Record<string, ExitCode>;
export type EndingSignal = keyof typeof ENDING;

/** The run was asked to end before it was done. */
export class Interrupted extends UserError {
  constructor(signal: EndingSignal) {
    super({ what: `interrupted by ${signal}` }, ENDING[signal]);
    this.name = "Interrupted";
  }
}

/** The wish that a run ends: nothing new is begun, and what was begun is told. */
export class Interruption {
  readonly #controller = new AbortController();
  readonly #over = Promise.withResolvers<never>();
  /** Rejects once nothing of the run is at work any more, whatever it still waits for. */
  readonly over: Promise<never> = this.#over.promise;

  constructor() {
    // Who does not look at it misses nothing.
    this.over.catch(() => undefined);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Why the run ends, once it does. */
  get reason(): Interrupted | undefined {
    return this.signal.aborted ? (this.signal.reason as Interrupted) : undefined;
  }

  begin(signal: EndingSignal): void {
    this.#controller.abort(new Interrupted(signal));
  }

  end(): void {
    if (this.reason !== undefined) this.#over.reject(this.reason);
  }
}

/** That of this process: signals are the process's. */
export const interruption = new Interruption();
