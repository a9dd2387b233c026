import { buildCommand as build } from "@stricli/core";
import type { Io } from "../output/io.ts";

/** What a command is given besides its flags. Its exit code goes back through `finish`. */
export interface Context {
  process: Pick<NodeJS.Process, "stdout" | "stderr">;
  io: Io;
  finish(code: number): void;
  /** Runs a drill: in a sandbox, which no command here knows. */
  drill(options: DrillOptions): Promise<number>;
}

export interface DrillOptions {
  cluster?: string;
  json: boolean;
  /** The backup, or `last`. */
  of: string;
  /** A file for the page. */
  report?: string;
  kit?: string;
  identity?: string;
}

/** What the commands' flags are made of. */
export const text = (brief: string, placeholder: string) =>
  ({ kind: "parsed", parse: String, brief, placeholder, optional: true }) as const;
export const flag = (brief: string) =>
  ({ kind: "boolean", brief, default: false, withNegated: false }) as const;

export const push = flag("Commit and push what the git host does not have yet, without asking");
export const cluster = text("The cluster repository; default: the one this folder lies in", "DIR");
export const json = flag("One documented JSON shape on stdout, people's text on stderr");

const verbose = flag("Tell each program that is run, and how it ended");

/** A command of ours: those that are about a cluster have `--verbose`, too, which cli.ts reads. */
export const buildCommand: typeof build = (command) => {
  const { parameters } = command;
  const flags: object = parameters.flags ?? {};
  if (!("cluster" in flags)) return build(command);
  const withVerbose = { ...command, parameters: { ...parameters, flags: { ...flags, verbose } } };
  return build(withVerbose as unknown as typeof command);
};
