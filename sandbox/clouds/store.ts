import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

/** A JSON file: what a simulated vendor knows. Tests read it, and may change it: every look reads it anew. */
export class Store<T> {
  readonly #file: string;
  readonly #initial: T;

  constructor(file: string, initial: T) {
    this.#file = file;
    this.#initial = initial;
  }

  read(): T {
    try {
      return JSON.parse(readFileSync(this.#file, "utf8")) as T;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
      return structuredClone(this.#initial);
    }
  }

  /** Changes the state in one step: no other change comes in between. */
  change<R>(work: (state: T) => R): R {
    const state = this.read();
    const result = work(state);
    mkdirSync(dirname(this.#file), { recursive: true, mode: 0o700 });
    const part = `${this.#file}.${process.pid}`;
    writeFileSync(part, JSON.stringify(state, null, 2), { mode: 0o600 });
    renameSync(part, this.#file);
    return result;
  }
}
