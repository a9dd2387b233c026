import { createInterface } from "node:readline/promises";
import { EXIT, UserError } from "../output/errors.ts";
import { interruption } from "../output/interruption.ts";
import type { Io } from "../output/io.ts";

/** Has a person type a name before something is lost; without a terminal there is nobody to ask. */
export async function confirm(loss: string, what: string, word: string, io: Io): Promise<void> {
  if (!process.stdin.isTTY) {
    throw new UserError(
      { what: loss, why: "there is no terminal to ask on", fix: "add --yes to do it" },
      EXIT.usage,
    );
  }
  const answer = await ask(`${loss}\nType the ${what} to go on: `);
  if (answer?.trim() !== word) throw new UserError({ what: "nothing was done: the name did not match" });
  io.err("\n");
}

/** Asks for yes or no, the answer no where it is not yes; undefined where there is nobody to ask. */
export function asker(): ((question: string) => Promise<boolean>) | undefined {
  if (!process.stdin.isTTY || !process.stderr.isTTY) return undefined;
  return async (question) => {
    const answer = await ask(`${question} [y/N] `);
    return /^y(es)?$/i.test(answer?.trim() ?? "");
  };
}

/** Asks a person for a text, with what it is when they only press return. */
export type Ask = (question: string, fallback: string) => Promise<string>;

/** Undefined where there is nobody to ask. */
export function prompter(): Ask | undefined {
  if (!process.stdin.isTTY || !process.stderr.isTTY) return undefined;
  return async (question, fallback) => {
    const answer = await ask(`${question}${fallback === "" ? "" : ` [${fallback}]`}: `);
    if (answer === undefined) throw new UserError({ what: "\nnothing was written: the input ended" });
    return answer.trim() || fallback;
  };
}

/** One line from a person; undefined where the input ends, as by Ctrl-D. Ctrl-C ends the run, as everywhere. */
export async function ask(question: string): Promise<string | undefined> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const closed = Promise.withResolvers<undefined>();
  terminal.once("close", () => closed.resolve(undefined));
  // While a line is typed, the terminal sends no signal.
  terminal.on("SIGINT", () => process.emit("SIGINT"));
  const { signal } = interruption;
  try {
    return await Promise.race([terminal.question(question, { signal }), closed.promise]);
  } catch (error) {
    throw interruption.reason ?? error;
  } finally {
    terminal.close();
  }
}
