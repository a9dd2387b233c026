import { expect, test } from "vitest";
import { parse } from "yaml";
import { toYaml } from "./yaml.ts";

/** Strings that a YAML 1.1 reader (Ansible, Kubernetes) would take for something else when bare. */
test.each([
  "yes",
  "no",
  "on",
  "off",
  "12:30",
  "0644",
  "0o17",
  "1_000",
  "1e3",
  "null",
  "~",
  "true",
  "",
  "2001-01-01",
  "@x",
  "a: b",
  "# c",
])("keeps %j a string", (text) => {
  expect(parse(toYaml({ value: text }), { version: "1.1" })).toEqual({ value: text });
});

test("neither folds long lines nor makes aliases", () => {
  const shared = { text: "word ".repeat(60).trim() };

  expect(toYaml({ a: shared, b: shared })).toBe(`a:\n  text: ${shared.text}\nb:\n  text: ${shared.text}\n`);
});
