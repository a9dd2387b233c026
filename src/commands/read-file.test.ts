import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { loadCluster } from "../config/load.ts";
import { readConfigFile } from "./read-file.ts";

const folder = mkdtempSync(join(tmpdir(), "infra-k3s-read-"));
afterAll(() => rmSync(folder, { recursive: true }));

test("a file is read whole, byte by byte", () => {
  const bytes = Buffer.from([0xef, 0xbb, 0xbf, ...Buffer.alloc(300_000, "é")]);
  writeFileSync(join(folder, "file"), bytes);

  expect(readConfigFile(join(folder, "file")).equals(bytes)).toBe(true);
});

test.each([
  ["a directory", "", /can't be read\n {2}why: it is a directory\n {2}fix: name the file in it/],
  ["a file that is not there", "none", /can't be read\n {2}why: there is no such file\n {2}fix: check/],
  ["a link to itself", "loop", /can't be read\n {2}why: it is a symbolic link that leads to itself\n/],
])("says why %s can't be read", (_, name, words) => {
  if (name === "loop") symlinkSync(join(folder, "loop"), join(folder, "loop"));

  expect(() => readConfigFile(join(folder, name))).toThrow(words);
});

test("of an endless file the beginning is read, and it is told to be too large", () => {
  const loaded = loadCluster(readConfigFile("/dev/zero"), "cluster.yaml");

  expect(loaded.ok ? [] : loaded.diagnostics.map(({ code }) => code)).toEqual(["too-large"]);
});
