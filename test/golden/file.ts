import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { expect } from "vitest";

/** `npm run golden` rewrites what is made of something else, and still fails, so that a change is never silent. */
export const UPDATE = process.env["GOLDEN"] === "update";

export function expectFile(path: string, text: string): void {
  const before = existsSync(path) ? readFileSync(path, "utf8") : "";
  if (UPDATE && before !== text) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }
  expect(text).toBe(before);
}
