import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { appendItem, removeItem, replaceBlock, replaceScalar } from "./edit.ts";

const example = readFileSync("examples/three-clouds/cluster.yaml", "utf8");
const node = { name: "vultr-2", role: "worker", provider: "vultr", region: "fra", size: "vc2-2c-4gb" };

test("an item is added behind the last one, and every line before stays", () => {
  expect(appendItem(example, ["nodes"], node)).toBe(
    `${example}  - name: vultr-2\n    role: worker\n    provider: vultr\n    region: fra\n    size: vc2-2c-4gb\n`,
  );
});

test("what stands behind the list, and comments, stay", () => {
  const text =
    "nodes:\n# first\n- name: a # why\n  # inner\n  size: '1'\n\n# about b\n- name: b\n# the end\nk3s: x";

  const added = appendItem(text, ["nodes"], { name: "c" });

  expect(added).toBe(text.replace("- name: b\n", "- name: b\n- name: c\n"));
  expect(removeItem(added, ["nodes"], 2)).toBe(text);
  expect(removeItem(text, ["nodes"], 0)).toBe("nodes:\n# first\n\n# about b\n- name: b\n# the end\nk3s: x");
});

test("a text without a last newline, a list in one line, a value that needs quotes", () => {
  expect(appendItem("nodes:\n  - name: a", ["nodes"], { name: "b" })).toBe(
    "nodes:\n  - name: a\n  - name: b\n",
  );
  expect(parse(appendItem("nodes: [{ name: a }] # one line\n", ["nodes"], { name: "b" }))).toEqual({
    nodes: [{ name: "a" }, { name: "b" }],
  });
  expect(parse(removeItem("nodes: [{ name: a }, { name: b }]\n", ["nodes"], 0))).toEqual({
    nodes: [{ name: "b" }],
  });
  expect(appendItem("nodes:\n- name: a\n", ["nodes"], { name: "1e3", size: "a: b" })).toBe(
    'nodes:\n- name: a\n- name: "1e3"\n  size: "a: b"\n',
  );
});

test("no line is folded, however long", () => {
  const long = "a ".repeat(80).trim();

  expect(appendItem("nodes:\n- name: a\n", ["nodes"], { name: long })).toBe(
    `nodes:\n- name: a\n- name: ${long}\n`,
  );
  const flow = appendItem(`nodes: [ { name: ${long} } ]\n`, ["nodes"], { name: long });
  expect(flow).toBe(`nodes: [ { name: ${long} }, { name: ${long} } ]\n`);
  expect(removeItem(flow, ["nodes"], 1)).toBe(`nodes: [ { name: ${long} } ]\n`);
  expect(replaceBlock("a: 1\n", "b", { c: long }, "")).toBe(`a: 1\nb:\n  c: ${long}\n`);
});

test("an item ends where its last value does, whatever that is", () => {
  const text =
    "nodes:\n- a:\n  - b: 1\n    c: [2,\n      3]\n- # none\n  d:\n- e: { f: 4,\n    g: 5 }\n- h: 6";

  expect(removeItem(text, ["nodes"], 0)).toBe(text.replace(/- a:[^]*3\]\n/, ""));
  expect(removeItem(text, ["nodes"], 2)).toBe(text.replace(/- e:[^]*5 }\n/, ""));
  expect(removeItem(text, ["nodes"], 3)).toBe(text.replace("- h: 6", ""));
});

test("an item may stand below its dash, and what is said of the next one stays", () => {
  const text = "nodes:\n-\n  a: 1\n  # about b\n- b:\n    - 2\n    # about c\n\n- c: 3\n";

  expect(removeItem(text, ["nodes"], 0)).toBe(
    "nodes:\n  # about b\n- b:\n    - 2\n    # about c\n\n- c: 3\n",
  );
  expect(removeItem(text, ["nodes"], 1)).toBe("nodes:\n-\n  a: 1\n  # about b\n    # about c\n\n- c: 3\n");
});

test("a scalar is replaced, and no other byte", () => {
  expect(replaceScalar("a: { b:  1 } # why\n", ["a", "b"], "2")).toBe("a: { b:  2 } # why\n");
});

test("what is not there is named", () => {
  expect(() => replaceScalar("a: { b: 1 }", ["a", "c"], "2")).toThrow("no scalar at a.c");
  expect(() => appendItem("a: { b: 1 }", ["a", "b"], {})).toThrow("no list at a.b");
  expect(() => removeItem("a: { b: 1 }", ["a", "b"], 0)).toThrow("no list at a.b");
  expect(() => replaceBlock("- a", "b", {}, "c")).toThrow("no map at the top");
});

test("whatever is added can be taken out again, byte by byte", () => {
  fc.assert(
    fc.property(
      fc.dictionary(fc.constantFrom("name", "size", "region"), fc.string({ minLength: 1 })),
      (fields) => {
        fc.pre(Object.keys(fields).length > 0);
        const added = appendItem(example, ["nodes"], fields);
        expect((parse(added) as { nodes: unknown[] }).nodes.at(-1)).toEqual(fields);
        expect(removeItem(added, ["nodes"], 3)).toBe(example);
      },
    ),
  );
});

describe("replaceBlock", () => {
  const text = "# mine\nname: a\n\n# which servers\nnodes:\n  - name: x # the first\n";

  test("puts a new block in front of another and that one's comments", () => {
    expect(replaceBlock(text, "tls", { email: "a@example.com" }, "nodes")).toBe(
      "# mine\nname: a\n\ntls:\n  email: a@example.com\n\n# which servers\nnodes:\n  - name: x # the first\n",
    );
  });

  test("replaces the block of that name alone, however long, however written", () => {
    const fields = { branch: "next", hostKeys: ["k"] };
    const block = "gitops:\n  branch: next\n  hostKeys:\n    - k\n";
    const before =
      "a: 1\n# where it follows\ngitops: # ours\n  branch: main\n  hostKeys:\n    - x\n    - y\n\n# next\nb: 2\n";
    expect(replaceBlock(before, "gitops", fields, "b")).toBe(
      `a: 1\n# where it follows\n${block}\n# next\nb: 2\n`,
    );
    expect(replaceBlock("gitops: { branch: main }", "gitops", fields, "b")).toBe(block);
    expect(replaceBlock("a: 1", "gitops", fields, "b")).toBe(`a: 1\n${block}`);
    expect(replaceBlock("# of b\nb: 2\n", "gitops", fields, "b")).toBe(`${block}\n# of b\nb: 2\n`);
    expect(replaceBlock("b: 2\n", "gitops", fields, "b")).toBe(`${block}\nb: 2\n`);
  });
});
