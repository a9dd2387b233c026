import { expect, test } from "vitest";
import { linesOf } from "./build.ts";

test("a module's replacements and exclusions are repeated", () => {
  const lines = linesOf({
    Replace: [
      { Old: { Path: "a.example/one" }, New: { Path: "a.example/fork", Version: "v1.2.3" } },
      {
        Old: { Path: "a.example/two", Version: "v2.0.0" },
        New: { Path: "a.example/two", Version: "v2.0.1" },
      },
    ],
    Exclude: [{ Path: "a.example/three", Version: "v3.0.83+incompatible" }],
  });
  expect(lines).toEqual([
    "replace a.example/one => a.example/fork v1.2.3",
    "replace a.example/two v2.0.0 => a.example/two v2.0.1",
    "exclude a.example/three v3.0.83+incompatible",
  ]);
});

test("one by a folder of the module's own is not: only the module has the folder", () => {
  expect(linesOf({ Replace: [{ Old: { Path: "a.example/part" }, New: { Path: "./part" } }] })).toEqual([]);
});

test("a go.mod without either has none", () => {
  expect(linesOf({ Replace: null, Exclude: null })).toEqual([]);
});
