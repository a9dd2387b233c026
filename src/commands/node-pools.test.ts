import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { loadCluster } from "../config/load.ts";
import { UserError } from "../output/errors.ts";
import { withNode } from "./node-add.ts";
import { withoutNode } from "./node-text.ts";

const example = readFileSync("examples/three-clouds/cluster.yaml", "utf8");
const POOL = `
# The pages.
pools: # two of a kind
  - name: web   # web-1 and on
    provider: vultr
    region: fra
    size: vc2-2c-4gb
    # as many as it takes
    count:   2   # see the graph
  - { name: web-2, provider: aws, region: eu-central-1, size: t3.medium, count: 0 }
`;
const text = example + POOL;
const none = { role: undefined, provider: undefined };
const namesOf = (of: string) => {
  const loaded = loadCluster(of, "cluster.yaml");
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.diagnostics));
  return loaded.value.nodes.map(({ name }) => name);
};

function refusal(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    if (error instanceof UserError) return error.message;
  }
  return "not refused";
}

test("a pool stands for its nodes, workers behind all others", () => {
  const loaded = loadCluster(text, "cluster.yaml");

  expect(namesOf(text)).toEqual(["hetzner-1", "vultr-1", "aws-1", "web-1", "web-2"]);
  expect(loaded.ok && loaded.value.nodes[4]).toEqual({
    name: "web-2",
    role: "worker",
    provider: "vultr",
    region: "fra",
    size: "vc2-2c-4gb",
    arch: "amd64",
    ingress: false,
    address: "",
    behindNat: false,
    meshName: "three-clouds-web-2",
  });
});

test("the next node of a pool, and its last, change the count and no other byte", () => {
  const added = withNode(text, "web-3", none);

  expect(added.text).toBe(text.replace("count:   2 ", "count:   3 "));
  expect(added.told).toBe("web-3 is declared in cluster.yaml: the pool web has 3 now");
  expect(withoutNode(added.text, "web-3")).toBe(text);
  expect(withNode(text, "web-2-1", none).text).toBe(text.replace("count: 0 ", "count: 1 "));
  expect(withNode(text, "web-3", { provider: "vultr", region: "fra" }).text).toBe(added.text);
});

test("additions are undone by as many removals, byte by byte", () => {
  const numbers = [3, 4, 5, 6, 7, 8];
  const grown = numbers.reduce((so, number) => withNode(so, `web-${number}`, none).text, text);

  expect(namesOf(grown).at(-1)).toBe("web-8");
  expect(numbers.reduceRight((so, number) => withoutNode(so, `web-${number}`), grown)).toBe(text);
});

test("a node from the middle of a pool is refused, with the way out", () => {
  expect(refusal(() => withoutNode(text, "web-1"))).toBe(
    `web-1 is not the last of the pool web; nothing was changed
  why: a pool's nodes are numbered without gaps: with one less it would be web-2 that goes
  fix: infra-k3s node remove web-2; or write the pool's nodes as entries of \`nodes:\` with the same names, which changes no host, and remove web-1 then`,
  );
  // One that was taken out already, by hand or by a run before, changes nothing.
  expect(withoutNode(text, "web-3")).toBe(text);
});

test("what is not the next, or not like the pool, is refused", () => {
  expect(refusal(() => withNode(text, "web-5", none))).toBe(
    `web-5 is not the next of the pool web
  why: a pool's nodes are numbered without gaps, and it has 2
  fix: infra-k3s node add web-3`,
  );
  expect(refusal(() => withNode(text, "web-3", { ...none, provider: "aws" }))).toBe(
    `cluster.yaml declares the pool web, with provider: vultr
  fix: edit cluster.yaml and run infra-k3s up, or choose another name`,
  );
  expect(refusal(() => withNode(text, "other-1", none))).toMatch(/^where does other-1 stand\?/);
});

test("an entry of `nodes` is added and removed as before, whatever the pools", () => {
  const { text: added } = withNode(text, "vultr-2", { provider: "vultr", region: "fra", size: "vc2-2c-4gb" });

  expect(namesOf(added)).toEqual(["hetzner-1", "vultr-1", "aws-1", "vultr-2", "web-1", "web-2"]);
  expect(withoutNode(added, "vultr-2")).toBe(text);
});

test("entries of the same names change no node", () => {
  const entries = ["web-1", "web-2"].map((name) => withNode("nodes:\n  - name: x\n", name, { provider: "vultr", region: "fra", size: "vc2-2c-4gb" }).text.split("\n").slice(2).join("\n")); // prettier-ignore
  const [before, after] = [text, example + entries.join("")].map((of) => loadCluster(of, "cluster.yaml"));

  expect(before?.ok && before.value.nodes).toEqual(after?.ok && after.value.nodes);
});
