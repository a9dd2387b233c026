import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { SECRET_NAMES } from "../tools/secrets/envrc.ts";
import { docsTable, SECRETS } from "./table.ts";

test("the guide has the table that `secrets status` prints", () => {
  expect(readFileSync(join(import.meta.dirname, "../../docs/secrets.md"), "utf8")).toContain(docsTable());
});

test("every name that is read from .envrc.local is in it", () => {
  const named = SECRETS.filter(({ file }) => file === ".envrc.local").map(({ name }) => name);
  expect(named.sort()).toEqual([...SECRET_NAMES].sort());
});
