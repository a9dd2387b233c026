import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { FileTree, RenderedFile } from "../render/file-tree.ts";
import { compareTree, diffTree, writeTree } from "./write.ts";

let root = "";
beforeEach(() => void (root = mkdtempSync(join(tmpdir(), "infra-k3s-test-"))));
afterEach(() => rmSync(root, { recursive: true }));

const tree = (files: Record<string, string>, mode: RenderedFile["mode"] = 0o644): FileTree =>
  new Map(Object.entries(files).map(([path, text]) => [path, { text, mode }]));

describe("writeTree", () => {
  test("writes, and the second time finds nothing to do", () => {
    const files = tree({ "a/b": "one\n" }, 0o755);

    expect(writeTree(root, files)).toEqual({ written: ["a/b"], removed: [] });
    expect(statSync(join(root, "a/b")).mode & 0o777).toBe(0o755);
    expect(writeTree(root, files)).toEqual({ written: [], removed: [] });
  });

  test("brings back a deleted file and a changed mode", () => {
    const files = tree({ a: "one\n", b: "two\n" }, 0o755);
    writeTree(root, files);
    rmSync(join(root, "a"));

    expect(writeTree(root, files).written).toEqual(["a"]);
  });

  test("prunes what is no longer rendered, but not what the user brought", () => {
    writeTree(root, tree({ old: "x\n", kept: "y\n" }));
    writeFileSync(join(root, "mine"), "z\n");

    expect(writeTree(root, tree({ kept: "y\n" })).removed).toEqual(["old"]);
    expect([existsSync(join(root, "old")), existsSync(join(root, "mine"))]).toEqual([false, true]);
  });

  test("does not touch what the user edited, and writes nothing else either", () => {
    writeTree(root, tree({ a: "one\n", b: "one\n" }));
    writeFileSync(join(root, "a"), "mine\n");

    expect(() => writeTree(root, tree({ a: "two\n", b: "two\n" }))).toThrow(
      /edited by hand: a[\s\S]*-mine[\s\S]*\+two/,
    );
    expect([readFileSync(join(root, "a"), "utf8"), readFileSync(join(root, "b"), "utf8")]).toEqual([
      "mine\n",
      "one\n",
    ]);
  });

  test("refuses a manifest that points outside", () => {
    writeFileSync(join(root, ".infra-k3s.manifest.json"), JSON.stringify({ "../victim": "0".repeat(64) }));

    expect(() => writeTree(root, tree({}))).toThrow(/outside the repository/);
  });
});

test("compareTree and diffTree only look", () => {
  writeTree(root, tree({ a: "one\n" }));

  expect(compareTree(root, tree({ a: "two\n" })).written).toEqual(["a"]);
  expect(diffTree(root, tree({ a: "two\n" }))).toMatch(/-one\n\+two/);
  expect(readFileSync(join(root, "a"), "utf8")).toBe("one\n");
});
