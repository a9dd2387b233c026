import { expect, test } from "vitest";
import { didYouMean, nearest } from "./suggest.ts";

test.each([
  ["rol", ["region", "role"], "role"],
  ["ROLE", ["role"], "role"],
  ["role", ["Role"], "Role"],
  ["ab", ["cd"], "cd"],
  ["ab", ["cde"], undefined],
  // A third of a longer word may differ.
  ["production", ["staging", "prodxxxion"], "prodxxxion"],
  ["production", ["prodxxxxon"], undefined],
  ["role", [], undefined],
])("nearest to %s of %j is %s", (word, allowed, meant) => {
  expect(nearest(word, allowed)).toBe(meant);
});

test("where none is near all are named", () => {
  expect(didYouMean("worker", ["production", "staging"])).toBe("allowed: production, staging");
  expect(didYouMean("stagin", ["production", "staging"])).toBe('did you mean "staging"?');
});
