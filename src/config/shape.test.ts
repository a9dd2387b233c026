import { expect, test } from "vitest";
import { dashed, label } from "./shape.ts";

test.each([
  ["My  Cluster__1", "my-cluster-1"],
  ["--a--", "a"],
  ["größe", "gr-e"],
  ["?!", ""],
])("%s with dashes is %s", (text, expected) => {
  expect(dashed(text)).toBe(expected);
});

const MUST = "must be lowercase letters, digits and '-', starting with a letter and not ending with '-'";

test.each([
  ["12-Web", `${MUST}; did you mean "web"?`],
  ["12", MUST],
])("of the name %s is said: %s", (text, told) => {
  expect(
    label(9)
      .safeParse(text)
      .error?.issues.map(({ message }) => message),
  ).toEqual([told]);
});

test.each([
  ["a", true],
  ["a-1", true],
  ["abcdefghi", true],
  ["abcdefghij", false],
  ["1a", false],
  ["a-", false],
  ["a_b", false],
  ["", false],
])("a name may be %j: %s", (text, may) => {
  expect(label(9).safeParse(text).success).toBe(may);
});
