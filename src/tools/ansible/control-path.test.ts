import { chmodSync, mkdtempSync, rmSync, statSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, expect, onTestFinished, test } from "vitest";
import { controlPathFolder } from "./control-path.ts";

let parent = "";
beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), "control-"));
  onTestFinished(() => rmSync(parent, { recursive: true }));
});

test("it is the user's alone, the same each time, another for each repository, and short", () => {
  const [first, again, other] = ["/a", "/a", "/b"].map((root) => controlPathFolder(root, parent));

  expect(statSync(first ?? "").mode & 0o777).toBe(0o700);
  expect(again).toBe(first);
  expect(other).not.toBe(first);
  expect(controlPathFolder("/a".repeat(200), parent).length - parent.length).toBeLessThan(35);
});

test.each([
  ["others can write into", (path: string) => chmodSync(path, 0o777)],
  ["is a link", (path: string) => (rmSync(path, { recursive: true }), symlinkSync("/", path))],
])("one that %s is refused", (_, plant) => {
  const path = controlPathFolder("/a", parent);
  plant(path);

  expect(() => controlPathFolder("/a", parent)).toThrow(/not a folder that you alone can enter[^]*rm -r/);
});
