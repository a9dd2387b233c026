import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ensureVaultPassword, only, readSecrets } from "./envrc.ts";

let root = "";
beforeEach(() => void (root = mkdtempSync(join(tmpdir(), "infra-k3s-test-"))));
afterEach(() => rmSync(root, { recursive: true }));

const write = (text: string) => writeFileSync(join(root, ".envrc.local"), text, { mode: 0o600 });

test("reads the three ways to quote, and the environment first", () => {
  write(
    `export TAILSCALE_OAUTH_CLIENT_ID='a b'\nexport TAILSCALE_OAUTH_CLIENT_SECRET="c"\n# x\n\nexport TAILSCALE_AUTHKEY=d # why\n`,
  );

  expect(readSecrets(root, { TAILSCALE_AUTHKEY: "env", UNRELATED: "x" })).toEqual({
    TAILSCALE_OAUTH_CLIENT_ID: "a b",
    TAILSCALE_OAUTH_CLIENT_SECRET: "c",
    TAILSCALE_AUTHKEY: "env",
  });
});

test("names the line that it can't read, but not what stands in it", () => {
  write("export A='1'\nexport SECRET=$(cat hunter2)\n");

  expect(() => readSecrets(root, {})).toThrow(/\.envrc\.local:2:1/);
  expect(() => readSecrets(root, {})).not.toThrow(/hunter2/);
});

test("makes the vault's password once, keeps the other lines, and lets nobody else read", () => {
  write("export TAILSCALE_AUTHKEY='k'\n");

  ensureVaultPassword(root);
  const first = readFileSync(join(root, ".envrc.local"), "utf8");
  ensureVaultPassword(root);

  expect(first).toMatch(/^export TAILSCALE_AUTHKEY='k'\nexport ANSIBLE_VAULT_PASSWORD='[\w-]{43}'\n$/);
  expect(readFileSync(join(root, ".envrc.local"), "utf8")).toBe(first);
  expect(statSync(join(root, ".envrc.local")).mode & 0o777).toBe(0o600);
});

test("closes a file that others could read", () => {
  write("export TAILSCALE_AUTHKEY='k'\n");
  chmodSync(join(root, ".envrc.local"), 0o644);

  readSecrets(root, {});

  expect(statSync(join(root, ".envrc.local")).mode & 0o777).toBe(0o600);
});

test("gives a child only its own", () => {
  expect(only({ TAILSCALE_AUTHKEY: "k", ANSIBLE_VAULT_PASSWORD: "p" }, ["ANSIBLE_VAULT_PASSWORD"])).toEqual({
    ANSIBLE_VAULT_PASSWORD: "p",
  });
});
