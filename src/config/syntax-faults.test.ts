import { expect, test } from "vitest";
import { loadCluster } from "./load.ts";

/** The first fault of a text: where it is, what is said, what to do. */
function told(text: string): string[] {
  const loaded = loadCluster(text, "cluster.yaml");
  const [first] = loaded.ok ? [] : loaded.diagnostics;
  return first === undefined
    ? []
    : [
        `${first.line}:${first.column} to ${first.endLine}:${first.endColumn}`,
        first.message,
        first.suggestion,
      ];
}

test.each([
  ['a: "x"\nb: plain\nc: "open\nd: 1\n', "3:4 to 3:5"],
  ["a: 'x'\nc: 'open\nd: 1\n", "2:4 to 2:5"],
  ["a: 'open\nd: 1\n", "1:4 to 1:5"],
])("of %j the quote that is open is told", (text, at) => {
  expect(told(text).slice(0, 2)).toEqual([at, "this quote is not closed"]);
});

test.each([
  ["a: [1, 2]\nb: { c: [3, 4\nd: 5\n", "2:9 to 2:10", "`[` without its `]`"],
  ["a: [1, 2]\nb: { c: [3], d: 4\ne: 5\n", "2:4 to 2:5", "`{` without its `}`"],
  ["a: {}\nb: [{ c: {}}, []\nd: 5\n", "2:4 to 2:5", "`[` without its `]`"],
  ["a: {b: [1, [2]}\n", "1:8 to 1:9", "`[` without its `]`"],
  ["a: [ # “ no sign of YAML's\nb: 2\n", "1:4 to 1:5", "`[` without its `]`"],
  ["# “ no sign of YAML's\na: [\nb: 2\n", "2:4 to 2:5", "`[` without its `]`"],
])("of %j the bracket that is open is told", (text, at, message) => {
  expect(told(text)).toEqual([at, message, `add the \`${message.at(-2)}\`, or indent what stands within`]);
});

test.each([
  ["a:\n  - b: 1\n\n # c\n\n   c: 2\n", "6:4 to 6:5", 3, "4 as line 2, or by 2 as line 2, or by 0 as line 1"],
  ["a:\n  b: 1\n    # x\n\n d: 2 \nc: 3\n", "5:2 to 5:3", 1, "2 as line 2, or by 0 as line 1"],
  ["a:\n  - b: 1\n    c: 2\n   d: 3\n", "4:4 to 4:5", 3, "4 as line 3, or by 2 as line 2, or by 0 as line 1"],
  ["a:\n  -   b: 1\n      c: 2\n    d: 3\n", "4:5 to 4:6", 4, "6 as line 3, or by 2 as line 2, or by 0 as line 1"],
])("of %j the line that is out of line is told", (text, at, indent, columns) => {
  expect(told(text)).toEqual([at, `this line is indented by ${indent}, as nothing above it is`, `indent it by ${columns}`]);
}); // prettier-ignore

test.each([
  [
    "a: 1\ndomain example.com   \nk: 1\n",
    ["2:1 to 2:19", "`domain example.com` is no key with a value", "add a `:` and the value, or remove it"],
  ],
  [
    "a: 1\nb:2  \nk: 1\n",
    ["2:1 to 2:4", "`:` without a space behind it", "write `b: 2`"],
  ],
  [
    "nodes:\n  - a: 1\n  -name: b  \n",
    ["3:3 to 3:4", "`-` without a space behind it", "write `- name: b`"],
  ],
  [
    'a: "x" y  \nb: 1\n',
    ["1:8 to 1:9", "this is left over: y", "remove it, or put quotes around the whole value"],
  ],
  ["  # only\n", ["1:1 to 1:2", "the file has nothing but comments", "start from an example: `infra-k3s init DIR --example one-node` writes one"]],
  ["? a: 1\n: 2\n", ["1:4 to 1:5", "a key must be a name, but this is a list or map", "keys are words such as `name:`; docs/cluster-yaml.md of infra-k3s lists them"]],
  ["0x10: a\n", ["1:1 to 1:5", "a key must be a name, but 0x10 is a number", "keys are words such as `name:`; docs/cluster-yaml.md of infra-k3s lists them"]],
])("what is told of %j", (text, expected) => {
  expect(told(text)).toEqual(expected);
}); // prettier-ignore
