import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { FileTree, RenderedFile } from "../render/file-tree.ts";
import { hash, MANIFEST } from "./manifest.ts";
import { compareTree, diffTree, writeTree } from "./write.ts";

let root = "";
beforeEach(() => void (root = mkdtempSync(join(tmpdir(), "infra-k3s-test-"))));
afterEach(() => rmSync(root, { recursive: true }));

const at = (path: string) => readFileSync(join(root, path), "utf8");
const tree = (files: Record<string, string>, mode: RenderedFile["mode"] = 0o644): FileTree =>
  new Map(Object.entries(files).map(([path, text]) => [path, { text, mode }]));

describe("writeTree", () => {
  test("writes, and the second time finds nothing to do", () => {
    const files = tree({ "a/b": "one\n" }, 0o755);

    expect(writeTree(root, files)).toEqual({ written: ["a/b"], removed: [], kept: [] });
    expect(statSync(join(root, "a/b")).mode & 0o777).toBe(0o755);
    expect(writeTree(root, files)).toEqual({ written: [], removed: [], kept: [] });
  });

  test("brings back a deleted file and a changed mode", () => {
    const files = tree({ a: "one\n", b: "two\n" }, 0o755);
    writeTree(root, files);
    rmSync(join(root, "a"));
    chmodSync(join(root, "b"), 0o644);

    expect(writeTree(root, files).written).toEqual(["a", "b"]);
    expect(statSync(join(root, "b")).mode & 0o777).toBe(0o755);
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

  test("a run that was killed half-way leaves nothing that looks edited", () => {
    writeTree(root, tree({ a: "one\n", b: "one\n" }));
    // It comes to b, where nothing can be written, after it has written a.
    mkdirSync(join(root, `b.${process.pid}.tmp`));
    expect(() => writeTree(root, tree({ a: "two\n", b: "two\n" }))).toThrow(/EISDIR/);
    rmSync(join(root, `b.${process.pid}.tmp`), { recursive: true });
    expect([at("a"), at("b")]).toEqual(["two\n", "one\n"]);

    expect(writeTree(root, tree({ a: "three\n", b: "three\n" })).written).toEqual(["a", "b"]);
    expect(Object.values(JSON.parse(at(MANIFEST)) as object).every((entry) => /^[0-9a-f]{64}$/.test(String(entry)))).toBe(true); // prettier-ignore
  });

  test("folders that are empty then go, too, and no other", () => {
    writeTree(root, tree({ "x/y/z/old": "1\n", "x/kept": "1\n" }));
    writeTree(root, tree({ "x/kept": "1\n" }));

    expect([existsSync(join(root, "x/y")), existsSync(join(root, "x/kept"))]).toEqual([false, true]);
  });

  test.each([
    ["[]", "a list"],
    ['{ "a": "x" }', "no hash"],
    ["{\n<<<<<<< HEAD\n", "a merge's marks"],
  ])("a damaged manifest is told: %s", (text) => {
    writeFileSync(join(root, MANIFEST), text);

    expect(() => writeTree(root, tree({}))).toThrow(/manifest\.json is damaged[\s\S]*git checkout/);
  });
});

describe("what the user edited", () => {
  const [one, two] = [tree({ a: "one\n", "f/b": "one\n" }), tree({ a: "two\n", "f/b": "two\n" })];
  const edit = () => {
    writeTree(root, one);
    writeFileSync(join(root, "a"), "mine\n");
  };

  test("is told with where it lasts, and both ways out", () => {
    const path = "ansible/inventory/group_vars/all/main.yml";
    writeTree(root, tree({ [path]: "x: 1\n" }));
    writeFileSync(join(root, path), "x: 2\n");

    expect(() => writeTree(root, tree({ [path]: "x: 3\n" }))).toThrow(
      `a rendered file was edited by hand: ${path}
  why: --- yours/${path}
       +++ rendered/${path}
       @@ -1,1 +1,1 @@
       -x: 2
       +x: 3
  fix: nothing was written. infra-k3s render --keep ${path} leaves it to you from now on, --take in its place gives up the edit. What you want lasts in a place of your own, too:
       ${path}: ansible/inventory/group_vars/all/local.yml, or host_vars/NODE.yml for one host`,
    );
  });

  test("is kept from now on, through every rendering, until it is taken", () => {
    edit();

    expect(writeTree(root, two, { keep: ["a"], take: [] })).toEqual({
      written: ["f/b"],
      removed: [],
      kept: ["a"],
    });
    expect(writeTree(root, two)).toEqual({ written: [], removed: [], kept: ["a"] });
    expect(compareTree(root, one)).toEqual({ written: ["f/b"], removed: [], kept: ["a"], edited: [] });
    expect([at("a"), at("f/b")]).toEqual(["mine\n", "two\n"]);
    expect(writeTree(root, two, { keep: [], take: ["a"] })).toEqual({
      written: ["a"],
      removed: [],
      kept: [],
    });
    expect(at("a")).toBe("two\n");
  });

  test("is given up at once, and nothing else is", () => {
    edit();
    writeFileSync(join(root, "f/b"), "mine, too\n");

    expect(() => writeTree(root, two, { keep: [], take: ["a"] })).toThrow(/edited by hand: f\/b/);
    expect(at("a")).toBe("mine\n");
    expect(writeTree(root, two, { keep: ["f"], take: ["a"] }).written).toEqual(["a"]);
    expect([at("a"), at("f/b")]).toEqual(["two\n", "mine, too\n"]);
  });

  test("stays when it is kept and no longer rendered, and goes when it is taken", () => {
    edit();
    writeFileSync(join(root, "f/b"), "mine, too\n");

    expect(() => writeTree(root, tree({}))).toThrow(/edited by hand: a, f\/b/);
    expect(writeTree(root, tree({}), { keep: ["a"], take: ["f/b"] }).removed).toEqual(["f/b"]);
    expect([at("a"), existsSync(join(root, "f"))]).toEqual(["mine\n", false]);
    expect(writeTree(root, tree({}))).toEqual({ written: [], removed: [], kept: [] });
  });

  test("may be a file that the user took away", () => {
    writeTree(root, one);
    rmSync(join(root, "a"));

    expect(writeTree(root, two, { keep: ["a"], take: [] }).written).toEqual(["f/b"]);
    expect(writeTree(root, two).written).toEqual([]);
    expect(existsSync(join(root, "a"))).toBe(false);
  });

  test("can't be chosen of what is not rendered, or both ways", () => {
    edit();

    expect(() => writeTree(root, two, { keep: ["mine"], take: [] })).toThrow(/nothing that infra-k3s writes/);
    expect(() => writeTree(root, two, { keep: ["a"], take: ["a"] })).toThrow(/both kept and taken/);
  });
});

describe("nothing outside the repository is touched", () => {
  let outside = "";
  beforeEach(() => {
    outside = mkdtempSync(join(tmpdir(), "infra-k3s-outside-"));
    mkdirSync(join(outside, "sub"));
    for (const path of ["victim", "sub/victim"]) writeFileSync(join(outside, path), "one\n");
  });
  afterEach(() => {
    for (const path of ["victim", "sub/victim"])
      assert.equal(readFileSync(join(outside, path), "utf8"), "one\n", `${path} was touched`);
    rmSync(outside, { recursive: true });
  });
  const ones = tree({ "f/victim": "one\n", "f/sub/victim": "one\n" });

  test.each(["../victim", "/etc/hostname", "f/../../victim", "", "f//victim", "./victim", ".git/config"])(
    "a manifest that names %j",
    (path) => {
      writeFileSync(join(root, MANIFEST), JSON.stringify({ [path]: hash("one\n") }));

      expect(() => writeTree(root, tree({}))).toThrow(/outside the repository/);
    },
  );

  test.each([
    ["prunes", tree({})],
    ["writes", tree({ "f/victim": "two\n", "f/sub/victim": "two\n" })],
    ["looks", ones],
  ])("%s: a folder that has become a link is refused, and says how to leave it", (_, next) => {
    writeTree(root, ones);
    rmSync(join(root, "f"), { recursive: true });
    symlinkSync(outside, join(root, "f"));

    expect(() => writeTree(root, next)).toThrow(
      `f is a symbolic link to ${outside}: nothing is written or removed through it`,
    );
    expect(() => diffTree(root, next)).toThrow(/render --keep f$/);
    expect(writeTree(root, next, { keep: ["f"], take: [] })).toMatchObject({ written: [], removed: [] });
    expect(lstatSync(join(root, "f")).isSymbolicLink()).toBe(true);
  });

  test("a folder in the middle of a path, too, though it leads within the repository", () => {
    writeTree(root, ones);
    renameSync(join(root, "f/sub"), join(root, "elsewhere"));
    symlinkSync("../elsewhere", join(root, "f/sub"));

    expect(() => writeTree(root, tree({}))).toThrow(/f\/sub is a symbolic link/);
    expect(at("elsewhere/victim")).toBe("one\n");
  });

  test("a file that has become a link is an edit, whatever it leads to", () => {
    writeTree(root, ones);
    rmSync(join(root, "f/victim"));
    symlinkSync(join(outside, "victim"), join(root, "f/victim"));

    expect(() => writeTree(root, ones)).toThrow(/edited by hand: f\/victim[\s\S]*is a symbolic link to/);
    expect(() => writeTree(root, tree({}))).toThrow(/edited by hand: f\/victim/);
    // Taken, the link is replaced and what it led to is as it was.
    writeTree(root, tree({ "f/victim": "two\n", "f/sub/victim": "one\n" }), { keep: [], take: ["f/victim"] });
    expect([at("f/victim"), lstatSync(join(root, "f/victim")).isFile()]).toEqual(["two\n", true]);
  });

  test("taken and no longer rendered, the link goes and not what it leads to", () => {
    writeTree(root, ones);
    rmSync(join(root, "f/victim"));
    symlinkSync(join(outside, "victim"), join(root, "f/victim"));

    expect(writeTree(root, tree({}), { keep: [], take: ["f"] }).removed.toSorted()).toEqual([
      "f/sub/victim",
      "f/victim",
    ]);
    expect(existsSync(join(root, "f"))).toBe(false);
  });

  test("a link that leads nowhere is an edit, not a gap", () => {
    writeTree(root, ones);
    rmSync(join(root, "f/victim"));
    symlinkSync(join(outside, "new"), join(root, "f/victim"));

    expect(() => writeTree(root, ones)).toThrow(/edited by hand/);
    expect(existsSync(join(outside, "new"))).toBe(false);
  });

  test("the repository itself may be reached by a link", () => {
    const link = join(outside, "link");
    symlinkSync(root, link);

    expect(writeTree(link, ones).written).toEqual(["f/victim", "f/sub/victim"]);
    expect(at("f/victim")).toBe("one\n");
  });

  test("a folder in the place of a file, and a file in that of a folder, stay", () => {
    mkdirSync(join(root, "f/victim"), { recursive: true });
    expect(() => writeTree(root, ones)).toThrow(/edited by hand: f\/victim[\s\S]*is a folder/);
    expect(() => writeTree(root, ones, { keep: [], take: ["f"] })).toThrow(/f\/victim is a folder, and/);
    rmSync(join(root, "f"), { recursive: true });
    writeFileSync(join(root, "f"), "mine\n");
    expect(() => writeTree(root, ones)).toThrow(/f is not a folder/);
  });
});

test("compareTree and diffTree only look", () => {
  writeTree(root, tree({ a: "one\n" }));

  expect(compareTree(root, tree({ a: "two\n" })).written).toEqual(["a"]);
  expect(diffTree(root, tree({ a: "two\n" }))).toMatch(/-one\n\+two/);
  expect(readFileSync(join(root, "a"), "utf8")).toBe("one\n");
});

test("git applies what diffTree shows, and comes to what writeTree writes", () => {
  const before = new Map([
    ...tree({ changed: "1\n2\n3\n", removed: "gone\n", "deep/gone": "x\ny\n", bare: "no newline" }),
    ...tree({ script: "#!/bin/sh\n", turned: "a\n" }, 0o755),
  ]);
  const after = new Map([
    ...tree({ changed: "1\ntwo\n3\n", "deep/new": "fresh\n", bare: "no newline, changed", turned: "a\n" }),
    ...tree({ script: "#!/bin/sh -e\n", tool: "t\n" }, 0o755),
  ]);
  writeTree(root, before);
  const twin = mkdtempSync(join(tmpdir(), "infra-k3s-twin-"));
  cpSync(root, twin, { recursive: true });
  const diff = diffTree(root, after);
  execFileSync("git", ["apply", "--unsafe-paths", `--directory=${twin}`], { input: diff, cwd: "/" });
  execFileSync("git", ["init", "--quiet", twin]);
  writeTree(root, after);

  expect(diff).toContain("deleted file mode 100644\n--- a/removed\n+++ /dev/null\n");
  expect(diff).toContain("old mode 100755\nnew mode 100644\n");
  // It has nothing left to write but the manifest.
  expect(writeTree(twin, after)).toEqual({ written: [], removed: [], kept: [] });
  expect(diffTree(twin, after)).toBe("");
  rmSync(twin, { recursive: true });
});
