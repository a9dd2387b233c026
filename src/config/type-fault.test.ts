import { expect, test } from "vitest";
import { loadCluster } from "./load.ts";

/** What is to be done, of a file with these lines in front. */
function suggestions(lines: string, name = "a"): string[] {
  const text = `${lines}\nname: ${name}\ndomain: example.com\nk3s: { version: v1.36.3+k3s1 }\nnodes: [{ name: m, role: master, provider: existing, address: 198.51.100.7 }]\n`;
  const loaded = loadCluster(text, "cluster.yaml");
  return loaded.ok ? [] : loaded.diagnostics.map(({ suggestion }) => suggestion);
}
const proxied = (value: string) => suggestions(`cloudflare: { accountId: ${"a1".repeat(16)}, tunnel: true, proxied: ${value} }`); // prettier-ignore

test.each([
  ["1", true],
  ["'yes'", true],
  ["'Y'", true],
  ["'on'", true],
  ["ture", true],
  ["ntrue", true],
  ["truen", true],
  ["0", false],
  ["'No'", false],
  ["'n'", false],
  ["'off'", false],
  ["flase", false],
  ["nylon", false],
  ["yellow", false],
])("with %s is meant %s", (written, meant) => {
  expect(proxied(written)).toEqual([`did you mean ${meant}? allowed: true, false`]);
});

const minutes = (value: string) => suggestions(`report: { everyMinutes: ${value} }`);

test.each([
  ['"12"', "remove the quotes: 12; allowed: 1 to 59"],
  ["12m", "write a whole number; allowed: 1 to 59"],
  ["m12", "write a whole number; allowed: 1 to 59"],
  ["1.6", "did you mean 2? allowed: 1 to 59"],
])("in the place of a number %s", (written, fix) => {
  expect(minutes(written)).toEqual([fix]);
});

test("text within brackets is told from what is no text", () => {
  expect(suggestions("", "[a]")).toEqual(['did you mean "a"? Without brackets or a dash it is text']);
  expect(suggestions("", "[a, b]")).toEqual(["write one value behind `name:`"]);
  expect(suggestions("", "[1]")).toEqual(["write one value behind `name:`"]);
});
