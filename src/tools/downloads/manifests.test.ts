import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { loadCluster } from "../../config/load.ts";
import { LockSchema } from "../../config/lock.ts";
import { PRODUCT_ROOT } from "../../repository/shipped.ts";
import { completeGitops, lackingGitops } from "./gitops.ts";
import { ensureManifests, fetchManifest, hash, MANIFESTS } from "./manifests.ts";

const read = (path: string) => readFileSync(join(PRODUCT_ROOT, path), "utf8");
const loaded = loadCluster(read("examples/everything/cluster.yaml"), "cluster.yaml");
if (!loaded.ok) throw new Error("the example is valid");
const model = loaded.value;
const lock = LockSchema.parse(JSON.parse(read("test/golden/everything/versions.lock.json")));
const DEPLOYMENT = (name: string, image: string) =>
  `kind: Deployment\nmetadata: { name: ${name} }\nspec: { template: { spec: { containers: [{ image: "${image}" }] } } }\n`;
const digest = `sha256:${"ab".repeat(32)}`;

let root = "";
beforeEach(() => void (root = mkdtempSync(join(tmpdir(), "infra-k3s-manifests-"))));
afterEach(() => {
  vi.unstubAllGlobals();
  rmSync(root, { recursive: true });
});

/** Upstreams, registries and Cloudflare in one; returns what was asked for. */
function world(install: string): string[] {
  const asked: string[] = [];
  vi.stubGlobal("fetch", async (url: string) => {
    asked.push(url);
    if (url.endsWith("/client/v4/ips"))
      return Response.json({ result: { ipv4_cidrs: ["173.245.48.0/20"], ipv6_cidrs: ["2400:cb00::/32"] } });
    if (url.includes("/v2/")) return new Response(null, { headers: { "docker-content-digest": digest } });
    return new Response(url.includes("argo-cd") ? install : "kind: Namespace\n");
  });
  return asked;
}

test("manifests are locked, with the images they name and those of our own, but not those of what is left out", async () => {
  world(
    `${DEPLOYMENT("argocd-server", "quay.io/a/b:1")}---\n${DEPLOYMENT("argocd-dex-server", "ghcr.io/dex:1")}`,
  );

  const locked = await completeGitops(undefined, model, () => undefined);

  expect(Object.keys(locked.manifests ?? {})).toEqual(["argocd", "gatewayApi", "certManager", "velero"]);
  expect(locked.images).toMatchObject({
    "quay.io/a/b:1": digest,
    "docker.io/library/traefik:v3.6.0": digest,
  });
  expect(locked.images).not.toHaveProperty(["ghcr.io/dex:1"]);
  expect(locked.cloudflareRanges).toEqual({ ipv4: ["173.245.48.0/20"], ipv6: ["2400:cb00::/32"] });
});

test("definitions that upstream has in files of their own are one file, the same whatever their ends", async () => {
  const asked: string[] = [];
  const serve = (text: (file: string) => string) =>
    vi.stubGlobal("fetch", async (url: string) => {
      asked.push(url);
      return new Response(text(url.split("/").at(-1) ?? ""));
    });
  const url = MANIFESTS.velero.url("1.18.3");
  serve((file) => `---\nname: ${file}\n`);

  const put = await fetchManifest("velero", url);

  expect(put.split("---\n").slice(1)).toHaveLength(13);
  expect(put).toMatch(/^---\nname: velero\.io_backuprepositories\.yaml\n---\n/);
  expect(asked[0]).toBe(`${url}/v1/bases/velero.io_backuprepositories.yaml`);
  expect(asked.at(-1)).toBe(`${url}/v2alpha1/bases/velero.io_datauploads.yaml`);
  serve((file) => `name: ${file}`);
  expect(await fetchManifest("velero", url)).toBe(put);
});

test("a lock that is whole is not asked about again, and lacks nothing", async () => {
  const asked = world("");

  expect(await completeGitops(lock, model, () => undefined)).toEqual({
    manifests: lock.manifests,
    images: lock.images,
    cloudflareRanges: lock.cloudflareRanges,
  });
  expect(asked).toEqual([]);
  expect(lackingGitops(lock, model)).toEqual([]);
  expect(lackingGitops({ ...lock, images: {}, cloudflareRanges: undefined }, model)).toContain(
    "Cloudflare's networks",
  );
  expect(lackingGitops({ ...lock, images: {} }, { ...model, gitops: null })).toEqual([]);
});

test("the repository gets upstream's files once, again where one was changed, and nothing that was not locked", async () => {
  const text = "kind: Namespace\n";
  const asked = world(text);
  const file = { version: "1", url: "https://example.com/argo-cd.yaml", sha256: hash(text) };
  const known = { ...lock, manifests: { argocd: file } };

  expect(await ensureManifests(root, known)).toEqual([MANIFESTS.argocd.path]);
  expect(await ensureManifests(root, known)).toEqual([]);
  expect(asked).toHaveLength(1);
  writeFileSync(join(root, MANIFESTS.argocd.path), "kind: Evil\n");
  expect(await ensureManifests(root, known)).toEqual([MANIFESTS.argocd.path]);
  expect(readFileSync(join(root, MANIFESTS.argocd.path), "utf8")).toBe(text);

  const other = { ...lock, manifests: { argocd: { ...file, sha256: "0".repeat(64) } } };
  await expect(ensureManifests(root, other)).rejects.toThrow("is not what was locked");
});
