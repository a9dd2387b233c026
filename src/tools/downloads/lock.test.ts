import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, onTestFinished, test, vi } from "vitest";
import { loadCluster } from "../../config/load.ts";
import { LockSchema } from "../../config/lock.ts";
import { completeLock, operatorPlatform, RENDERED, requireLock, wanted } from "./lock.ts";

const ROOT = join(import.meta.dirname, "../../..");
const read = (path: string) => readFileSync(join(ROOT, path), "utf8");
const loaded = loadCluster(read("examples/one-node/cluster.yaml"), "cluster.yaml");
if (!loaded.ok) throw new Error("the example is valid");
const model = loaded.value;
const sha256 = createHash("sha256").update("the program").digest("hex");

/** Answers every download with the same program, and SOPS's list of checksums as upstream writes it. */
function upstream(published: string): string[] {
  const asked: string[] = [];
  vi.stubGlobal("fetch", async (url: string) => {
    asked.push(url);
    if (!/sha256|SHA256|checksums/.test(url)) return new Response("the program");
    const file = `sops-v${wanted(model).sops.version}.${operatorPlatform().replace("-", ".")}`;
    return new Response(`${"0".repeat(64)}  ${file}.spdx.sbom.json\n${published}  ${file}\n`);
  });
  return asked;
}
afterEach(() => vi.unstubAllGlobals());

/** A lock that lacks SOPS alone. */
function older() {
  const lock = LockSchema.parse(JSON.parse(read("test/golden/one-node/versions.lock.json")));
  const file = { url: "https://example.com/x", sha256: "a".repeat(64) };
  const { sops: _, ...others } = wanted(model);
  for (const [name, { version, platforms }] of Object.entries(others)) {
    const files = Object.fromEntries(platforms.map((platform) => [platform, file]));
    Object.assign(lock, { [name]: { version, files } });
  }
  return lock;
}

test("what the lock lacks is locked from the bytes received, and nothing else is fetched", async () => {
  const asked = upstream(sha256);
  const lock = await completeLock(older(), model, () => undefined);
  const release = `https://github.com/getsops/sops/releases/download/v${wanted(model).sops.version}`;
  expect(lock.sops?.files[operatorPlatform()]?.sha256).toBe(sha256);
  expect(asked).toHaveLength(2);
  expect(asked.every((url) => url.startsWith(release))).toBe(true);
});

test("bytes that are not what upstream's checksums say are not locked", async () => {
  upstream("b".repeat(64));
  await expect(completeLock(older(), model, () => undefined)).rejects.toThrow("does not match the checksum");
});

test("who needs a part of the lock is not kept by what another part lacks", () => {
  const root = mkdtempSync(join(tmpdir(), "infra-k3s-lock-"));
  onTestFinished(() => rmSync(root, { recursive: true }));
  const { manifests: _, images: __, ...lock } = older();
  writeFileSync(join(root, "versions.lock.json"), JSON.stringify(lock));
  const following = loadCluster(read("examples/tunnel/cluster.yaml"), "cluster.yaml");
  if (!following.ok) throw new Error("the example is valid");

  expect(requireLock(root, following.value, ["kubectl"]).kubectl.version).toBe(lock.kubectl.version);
  expect(() => requireLock(root, following.value, RENDERED)).toThrow("the manifests of argocd");
  expect(() => requireLock(root, model, ["sops"])).toThrow("sops");
});
