import type { Publishing } from "../stages/context.ts";
import { asker } from "./confirm.ts";
import { check } from "./secrets-check.ts";

/** How what differs gets to the git host: pushed when told so, else a person is asked where there is one. */
export function publishingOf(root: string, push: boolean): Publishing {
  return {
    push,
    ask: asker(),
    leaks: async () =>
      (await check(root, false)).findings.map(({ file, line, what }) => `${file}:${line}: ${what}`),
  };
}
