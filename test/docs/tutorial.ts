import { readFileSync } from "node:fs";
import { join } from "node:path";

/** A block of docs/tutorial.md: commands, each with what it says, that run one after the other. */
export interface Block {
  /** `quick`: in a unit test; `sandbox`: where a sandbox is up, in the operator's place; `by hand`: not run. */
  kind: string;
  commands: { line: string; output: string }[];
}

export const TUTORIAL = join(import.meta.dirname, "../../docs/tutorial.md");

export function blocksOf(page = readFileSync(TUTORIAL, "utf8")): Block[] {
  return [...page.matchAll(/^<!-- ([a-z ]+)(?::[^>]*)? -->\n```console\n([^]*?)^```$/gm)].map(
    ([, kind = "", text = ""]) => ({
      kind,
      commands: text
        .split(/^\$ /m)
        .slice(1)
        .map((part) => {
          const [line = "", ...output] = part.split("\n");
          return { line, output: output.join("\n").trimEnd() };
        }),
    }),
  );
}

/** Whether what was said is what the page has: `…` stands for anything within a line, or by itself for any lines. */
export function isAsWritten(said: string, written: string): boolean {
  if (written === "") return said === "";
  const lines = written.split("\n").map((line) => {
    if (line === "…") return "(?:.*\\n)*?";
    return `${line.split("…").map(escaped).join(".*?")}[ \\t]*\\n`;
  });
  return new RegExp(`^${lines.join("")}$`).test(`${said.trimEnd()}\n`);
}

const escaped = (text: string) => text.replaceAll(/[$()*+.?[\\\]^{|}]/g, String.raw`\$&`);
