import { globSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";

const FOLDER = join(import.meta.dirname, "../../docs/runbooks");

/** The runbooks by name. */
export function runbooks(): string[] {
  return globSync("*.md", { cwd: FOLDER })
    .map((file) => basename(file, ".md"))
    .filter((name) => name !== "README")
    .sort();
}

export function readRunbook(name: string): string {
  return readFileSync(join(FOLDER, `${name}.md`), "utf8");
}

/** The shell lines of a page, block by block. */
export function blocksOf(markdown: string): string[][] {
  return [...markdown.matchAll(/^( *)```sh\n([^]*?)^\1```$/gm)].map(([, indent = "", body = ""]) =>
    body
      .split("\n")
      .map((line) => line.slice(indent.length))
      .filter((line) => line.trim() !== ""),
  );
}

/** The words of each command of a shell line: quotes taken off, joined by `|`, `&&` or `;`, redirections left out. */
export function commandsOf(line: string): string[][] {
  const commands: string[][] = [[]];
  for (const [token] of line.matchAll(/(?:"(?:[^"\\]|\\.)*"|'[^']*'|\$\([^)]*\)|[^\s|&;<>"'])+|\||&&|;|\d*[<>]+\s*\S+/g)) {
    if (/^(\||&&|;)$/.test(token)) commands.push([]);
    else if (!/^\d*[<>]/.test(token)) commands.at(-1)?.push(token.replaceAll(/^(['"])([^]*)\1$/g, "$2"));
  } // prettier-ignore
  return commands.filter((words) => words.length > 0);
}
