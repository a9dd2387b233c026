import { expect, test } from "vitest";
import { exampleOf, fieldOf, likeOf, placesOf, purposeOf } from "./json-schema.ts";
import { ClusterSchema } from "./schema.ts";

test("every place of a key is found, however deep", () => {
  const root = fieldOf(ClusterSchema);

  expect(placesOf("everyMinutes", root)).toEqual(["backups.snapshots", "report"]);
  expect(placesOf("name", root)).toEqual(["", "nodes[]", "pools[]"]);
});

test("a purpose is a part of a sentence; what begins with capitals keeps them", () => {
  expect(purposeOf({ description: "The Kubernetes that is." })).toBe("the Kubernetes that is");
  expect(purposeOf({ description: "A host." })).toBe("a host");
  expect(purposeOf({ description: "DNS of The." })).toBe("DNS of The");
  expect(purposeOf({})).toBe("");
});

test("an example is the default, an example, a choice, or what is required", () => {
  const field = {
    required: ["a", "b", "c", "d"],
    properties: { a: { default: 1, examples: [2] }, b: { examples: [3, 4] }, c: { enum: ["x", "y"] }, d: { items: { default: 5 } }, e: { default: 6 } },
  }; // prettier-ignore

  expect(exampleOf(field)).toEqual({ a: 1, b: 3, c: "x", d: [5] });
  expect(exampleOf({})).toEqual({});
});

test("nobody can say what a text without example and default looks like", () => {
  expect([{}, { default: "-" }, { default: "-", examples: ["a"] }].map(likeOf)).toEqual(["", "-", "a"]);
});
