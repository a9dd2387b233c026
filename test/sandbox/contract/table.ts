import type { Case } from "../harness.ts";
import { configuration } from "./configuration.ts";
import { join } from "./join.ts";
import { listeners } from "./listeners.ts";
import { manifests } from "./manifests.ts";
import type { Row } from "./row.ts";

/** The K3s stand-in's contract with K3s's documentation: every row is a test, on hosts that run what K3S_BINARY names. */
export const rows: readonly Row[] = [...listeners, ...join, ...manifests, ...configuration];

export const contract: readonly Case[] = rows.map(({ behaviour, run }) => ({
  name: `K3s: ${behaviour}`,
  run,
}));

/** sandbox/k3s/CONTRACT.md */
export function toMarkdown(all: readonly Row[]): string {
  const lines = all.map(({ behaviour, quote, url }) => `| ${behaviour} | "${quote}" | <${url}> |`);
  return `# What the K3s stand-in keeps to

Generated from the tests (\`test/sandbox/contract/\`): each row is one, run on the sandbox's hosts as \`K3s: BEHAVIOUR\`.

| behaviour | K3s's documentation | page |
|---|---|---|
${lines.join("\n")}
`;
}
