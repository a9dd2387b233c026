import { expect, test } from "vitest";
import { poolMember, withCount } from "./nodes.ts";

const POOLS = `nodes: []
pools:
  # the pages
  - { name: web, provider: vultr, region: fra, size: vc2-2c-4gb, count: 2 } # two
  - { name: web-2, provider: aws, region: eu-central-1, size: t3.medium, count: 0 }
`;

test.each([
  ["web-1", [0, 1]],
  ["web-9", [0, 9]],
  ["web-10", [0, 10]],
  ["web-2-1", [1, 1]],
  ["web-2", [0, 2]],
  ["web", undefined],
  ["web-0", undefined],
  ["web-01", undefined],
  ["web-1a", undefined],
  ["-1", undefined],
  ["other-1", undefined],
])("%s is the pool's and number's %j", (name, expected) => {
  const member = poolMember(POOLS, name);

  expect(member && [member.index, member.number]).toEqual(expected);
});

test("a node is of no pool where there is none, or the pool is at fault", () => {
  const texts = ["", "nodes: []\n", "pools: [null]\n", "pools: [{ name: web }]\n"];

  expect(texts.map((text) => poolMember(text, "web-1"))).toEqual(texts.map(() => undefined));
});

test("the count is changed and no other byte", () => {
  const member = poolMember(POOLS, "web-2-1");

  expect(member && withCount(POOLS, member, 12)).toBe(POOLS.replace("count: 0", "count: 12"));
});
