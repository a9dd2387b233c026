import { createInterface } from "node:readline/promises";
import { EXIT, UserError } from "../output/errors.ts";
import type { Io } from "../output/io.ts";

/** Has a person type a name before something is lost; without a terminal there is nobody to ask. */
export async function confirm(loss: string, what: string, word: string, io: Io): Promise<void> {
  if (!process.stdin.isTTY) {
    throw new UserError(
      { what: loss, why: "there is no terminal to ask on", fix: "add --yes to do it" },
      EXIT.usage,
    );
  }
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await terminal.question(`${loss}\nType the ${what} to go on: `);
  terminal.close();
  if (answer.trim() !== word) throw new UserError({ what: "nothing was done: the name did not match" });
  io.err("\n");
}
