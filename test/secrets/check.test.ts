import { mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { check } from "../../src/commands/secrets-check.ts";
import type { Finding } from "../../src/secrets/finding.ts";
import { git, layCorpus, plant } from "./corpus.ts";

const HERE = import.meta.dirname;
const leaks = JSON.parse(readFileSync(join(HERE, "leaks.json"), "utf8")) as Record<string, string[]>;
let root: string;
let paths: string[];

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "infra-k3s-corpus-"));
  paths = layCorpus(root);
  git(root, "init", "--quiet");
  git(root, "add", "--all", "--force");
  const key = plant(readFileSync(join(HERE, "age-key"), "utf8"));
  writeFileSync(join(root, ".age-key.local"), key, { mode: 0o600 });
  writeFileSync(join(root, ".git/info/exclude"), ".age-key.local\n");
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

function byFile(findings: readonly Finding[]): Record<string, string[]> {
  const found: Record<string, string[]> = {};
  for (const { file, line, code } of findings) (found[file] ??= []).push(`${line} ${code}`);
  return found;
}

test.each([false, true])("every planted leak is found, and nothing else (staged: %s)", async (staged) => {
  const { ok, files, findings } = await check(root, staged);
  expect(byFile(findings)).toEqual(leaks);
  expect(ok).toBe(false);
  expect(files).toBe(paths.length);
  for (const { what, why, fix } of findings)
    expect([what, why, fix].every((text) => text.length > 8)).toBe(true);
});

test("no finding repeats the secret", async () => {
  const { findings } = await check(root, false);
  const said = JSON.stringify(findings);
  const tokens = readFileSync(join(root, "docs/tokens.txt"), "utf8").match(/[\w-]{24,}/g) ?? [];
  expect(tokens.length).toBeGreaterThan(20);
  expect(tokens.filter((token) => said.includes(token) && !/^[A-Z_a-z]+$/.test(token))).toEqual([]);
});

test("what the disk no longer has is still found in the index, and what git does not know yet is found, too", async () => {
  const copy = mkdtempSync(join(tmpdir(), "infra-k3s-corpus-"));
  try {
    git(copy, "init", "--quiet");
    writeFileSync(join(copy, "a.txt"), plant("tskey-auth-k3x9‹›QwErTz-aB3dE5fG7hI9jK1lM3nO5\n"));
    git(copy, "add", "a.txt");
    writeFileSync(join(copy, "a.txt"), "taken out on the disk only\n");
    writeFileSync(join(copy, ".envrc.local"), "export TAILSCALE_AUTHKEY=''\n");
    const all = await check(copy, false);
    expect(all.findings.map(({ file, what }) => `${file}: ${what}`)).toEqual([
      ".envrc.local: .envrc.local is not ignored by git",
      "a.txt: a Tailscale key in plain text",
    ]);
    git(copy, "add", "a.txt");
    expect((await check(copy, true)).ok).toBe(true);
  } finally {
    rmSync(copy, { recursive: true });
  }
});

test("a repository below the root of git's, and a file too large to look at", async () => {
  const outer = mkdtempSync(join(tmpdir(), "infra-k3s-corpus-"));
  try {
    git(outer, "init", "--quiet");
    mkdirSync(join(outer, "prod"));
    const token = plant("tskey-auth-k3x9‹›QwErTz-aB3dE5fG7hI9jK1lM3nO5\n");
    for (const file of ["outside.txt", "prod/inside.txt"]) writeFileSync(join(outer, file), token);
    writeFileSync(join(outer, "prod/large.img"), token);
    truncateSync(join(outer, "prod/large.img"), 17 * 1024 * 1024);
    git(outer, "add", "--all");
    for (const staged of [false, true]) {
      const { findings, skipped } = await check(join(outer, "prod"), staged);
      expect([findings.map(({ file }) => file), skipped]).toEqual([["inside.txt"], ["large.img"]]);
    }
  } finally {
    rmSync(outer, { recursive: true });
  }
});

test("outside of git it says so", async () => {
  await expect(check(tmpdir(), false)).rejects.toThrow("git init");
});
