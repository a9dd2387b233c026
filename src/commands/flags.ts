import type { Io } from "../output/io.ts";

/** What a command is given besides its flags. Its exit code goes back through `finish`. */
export interface Context {
  process: Pick<NodeJS.Process, "stdout" | "stderr">;
  io: Io;
  finish(code: number): void;
}

/** What the commands' flags are made of. */
export const text = (brief: string, placeholder: string) =>
  ({ kind: "parsed", parse: String, brief, placeholder, optional: true }) as const;
export const flag = (brief: string) =>
  ({ kind: "boolean", brief, default: false, withNegated: false }) as const;

export const cluster = text("The cluster repository; default: the one this folder lies in", "DIR");
export const json = flag("One documented JSON shape on stdout, people's text on stderr");
