import { createHash } from "node:crypto";
import { globSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { pullImage } from "./pull.ts";

const digestOf = (text: string) => `sha256:${createHash("sha256").update(text).digest("hex")}`;
const descriptor = (text: string) => ({ digest: digestOf(text), size: text.length });

const LAYER = "the layer";
const CONFIG = "{}";
const MANIFEST = JSON.stringify({ config: descriptor(CONFIG), layers: [descriptor(LAYER)] });
const other = { ...descriptor("for arm"), platform: { os: "linux", architecture: "arm64" } };
const INDEX = JSON.stringify({
  manifests: [other, { ...descriptor(MANIFEST), platform: { os: "linux", architecture: "amd64" } }],
});

let folder: string;
let asked: string[];
let served: Record<string, string>;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "infra-k3s-pull-"));
  asked = [];
  served = {
    "manifests/1": INDEX,
    [`manifests/${digestOf(INDEX)}`]: INDEX,
    [`manifests/${digestOf(MANIFEST)}`]: MANIFEST,
    [`blobs/${digestOf(CONFIG)}`]: CONFIG,
    [`blobs/${digestOf(LAYER)}`]: LAYER,
  };
  vi.stubGlobal("fetch", async (url: string) => {
    const what = url.replace("https://ghcr.io/v2/you/app/", "");
    asked.push(what);
    return what in served ? new Response(served[what]) : new Response(null, { status: 404 });
  });
  return () => rmSync(folder, { recursive: true, force: true });
});
afterEach(() => vi.unstubAllGlobals());

const links = () =>
  globSync("docker/registry/v2/repositories/you/app/**/link", { cwd: folder })
    .map((path) => path.replace("docker/registry/v2/repositories/you/app/", ""))
    .sort();
const blob = (digest: string) =>
  readFileSync(join(folder, "docker/registry/v2/blobs/sha256", digest.slice(7, 9), digest.slice(7), "data"), "utf8"); // prettier-ignore

test("an image of several platforms is copied with one of them, under its tag and each digest", async () => {
  expect(await pullImage("ghcr.io/you/app:1", "amd64", folder)).toBe(digestOf(INDEX));

  const hex = (text: string) => digestOf(text).replace("sha256:", "sha256/");
  expect(links()).toEqual(
    [
      `_layers/${hex(CONFIG)}/link`,
      `_layers/${hex(LAYER)}/link`,
      `_manifests/revisions/${hex(INDEX)}/link`,
      `_manifests/revisions/${hex(MANIFEST)}/link`,
      "_manifests/tags/1/current/link",
      `_manifests/tags/1/index/${hex(INDEX)}/link`,
    ].sort(),
  );
  expect([LAYER, CONFIG, MANIFEST, INDEX].map((text) => blob(digestOf(text)))).toEqual([LAYER, CONFIG, MANIFEST, INDEX]); // prettier-ignore
});

test("a second time, by its digest, nothing is asked for", async () => {
  const reference = `ghcr.io/you/app:1@${digestOf(INDEX)}`;
  await pullImage(reference, "amd64", folder);
  asked = [];
  await pullImage(reference, "amd64", folder);

  expect(asked).toEqual([]);
});

test("other bytes than the digest's are refused and not kept", async () => {
  served[`blobs/${digestOf(LAYER)}`] = "another";
  await expect(pullImage("ghcr.io/you/app:1", "amd64", folder)).rejects.toThrow("is not what was asked for");
  expect(() => blob(digestOf(LAYER))).toThrow("ENOENT");
  expect(links().filter((path) => path.includes("tags"))).toEqual([]);

  served[`manifests/${digestOf(INDEX)}`] = MANIFEST;
  rmSync(folder, { recursive: true });
  await expect(pullImage(`ghcr.io/you/app@${digestOf(INDEX)}`, "amd64", folder)).rejects.toThrow("is not what was asked for"); // prettier-ignore
});

test("an image that is not made for the platform, and one that is not there, are told", async () => {
  await expect(pullImage("ghcr.io/you/app:1", "riscv64", folder)).rejects.toThrow("not made for linux/riscv64");
  await expect(pullImage("ghcr.io/you/app:2", "amd64", folder)).rejects.toThrow("there is no image");
}); // prettier-ignore
