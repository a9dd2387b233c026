import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { zstdCompressSync } from "node:zlib";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { takePrebuilt } from "./prebuilt.ts";
import { sha256 } from "./store.ts";

const COMPRESSED = zstdCompressSync("the program");
const PIN = { version: "1.2.3", prebuiltSha256: sha256(COMPRESSED) };
let folder: string;
let out: string;
let file: string;
const said: string[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "infra-k3s-prebuilt-"));
  out = join(folder, "out");
  file = join(folder, "tool-1.2.3-linux-amd64.zst");
  mkdirSync(out);
  said.length = 0;
  vi.stubEnv("INFRA_K3S_ARTIFACT_CACHE", folder);
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

const take = () => takePrebuilt("tool", PIN, out, (line) => said.push(line));

test("the pinned file is taken, and can be run", async () => {
  writeFileSync(file, COMPRESSED);
  expect(await take()).toBe(true);
  expect(readFileSync(join(out, "tool"), "utf8")).toBe("the program");
  expect(statSync(join(out, "tool")).mode & 0o777).toBe(0o755);
});

test("a file of that name with other bytes is not used, and why is said", async () => {
  writeFileSync(file, zstdCompressSync("another program"));
  expect(await take()).toBe(false);
  expect(existsSync(join(out, "tool"))).toBe(false);
  expect(said).toEqual([
    expect.stringMatching(/is not used: its sha256 is [0-9a-f]{64}, pinned is [0-9a-f]{64}/),
  ]);
});

test("a file of another version is not looked at", async () => {
  writeFileSync(join(folder, "tool-1.2.4-linux-amd64.zst"), COMPRESSED);
  expect(await take()).toBe(false);
  expect(said).toEqual([]);
});

test.each([undefined, "", "/nonexistent"])("no folder (%j) is no fault", async (value) => {
  vi.stubEnv("INFRA_K3S_ARTIFACT_CACHE", value);
  expect(await take()).toBe(false);
  expect(said).toEqual([]);
});
