import { readFileSync } from "node:fs";
import fc from "fast-check";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { appendItem, removeItem } from "./edit.ts";

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
