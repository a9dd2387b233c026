import type { DrillStep } from "../../src/drill/result.ts";

/** What a drill has done so far, each step timed, those of a program's own among them. */
export class Timeline {
  readonly steps: DrillStep[] = [];
  readonly #now: () => number;
  readonly #began: number;

  constructor(now: () => number) {
    this.#now = now;
    this.#began = now();
  }

  seconds(): number {
    return Math.round((this.#now() - this.#began) / 100) / 10;
  }

  /** One step; what it returns besides its result is its note. What it throws is noted, too, and thrown on. */
  async step<T>(name: string, work: () => Promise<{ result: T; note: string }>): Promise<T> {
    const startSeconds = this.seconds();
    const add = (ok: boolean, note: string) =>
      this.steps.push({ name, startSeconds, seconds: this.#since(startSeconds), ok, note });
    try {
      const { result, note } = await work();
      add(true, note);
      return result;
    } catch (error) {
      add(false, error instanceof Error ? error.message : String(error));
      throw error;
    }
  }

  /** A step that another program tells of, as it ends. */
  told(name: string, seconds: number, ok: boolean, note: string): void {
    const startSeconds = Math.max(0, Math.round((this.seconds() - seconds) * 10) / 10);
    this.steps.push({ name, startSeconds, seconds, ok, note });
  }

  #since(start: number): number {
    return Math.round((this.seconds() - start) * 10) / 10;
  }
}
