import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Lock, LockedManifests, ManifestName } from "../../config/lock.ts";
import { type ClusterModel, kubernetesOf } from "../../config/model.ts";
import { ToolError } from "../../output/errors.ts";
import { PRODUCT_ROOT, readShipped } from "../../repository/shipped.ts";
import { imagesOf } from "../registry/image.ts";
import { digestOf } from "../registry/registry.ts";
import { fetchText } from "./download.ts";
import { fetchManifest, hash, MANIFESTS } from "./manifests.ts";

const RANGES_URL = "https://api.cloudflare.com/client/v4/ips";

export type GitopsLock = Pick<Lock, "manifests" | "images" | "cloudflareRanges">;

/** What of the lock GitOps and Cloudflare's edge need, completed; nothing is asked for that is there already. */
export async function completeGitops(
  existing: Lock | undefined,
  model: ClusterModel,
  progress: (line: string) => void,
): Promise<GitopsLock> {
  return {
    ...(model.gitops === null ? {} : await lockManifests(existing, model, progress)),
    ...(model.cloudflare?.proxied === true
      ? { cloudflareRanges: existing?.cloudflareRanges ?? (await cloudflareRanges(progress)) }
      : {}),
  };
}

/** What of it a lock lacks, for people. */
export function lackingGitops(lock: Lock | undefined, model: ClusterModel): string[] {
  return [
    ...(model.gitops === null
      ? []
      : [
          ...Object.entries(wantedManifests())
            .filter(([name, version]) => lock?.manifests?.[name as ManifestName]?.version !== version)
            .map(([name, version]) => `the manifests of ${name} ${version}`),
          ...shippedImages(model)
            .filter((image) => lock?.images?.[image] === undefined)
            .map((image) => `the digest of ${image}`),
        ]),
    ...(model.cloudflare?.proxied === true && lock?.cloudflareRanges === undefined
      ? ["Cloudflare's networks"]
      : []),
  ];
}

async function lockManifests(
  existing: Lock | undefined,
  model: ClusterModel,
  progress: (line: string) => void,
): Promise<GitopsLock> {
  const { manifests, images } = existing ?? {};
  if (manifests !== undefined && images !== undefined && lackingGitops(existing, model).length === 0)
    return { manifests, images };
  const names = new Set(shippedImages(model));
  const locked: LockedManifests = {};
  for (const [key, version] of Object.entries(wantedManifests())) {
    const name = key as ManifestName;
    const before = manifests?.[name];
    const url = before?.version === version ? before.url : MANIFESTS[name].url(version);
    progress(`locking the manifests of ${name} ${version}`);
    const text = await fetchManifest(name, url);
    if (before?.version === version && before.sha256 !== hash(text)) {
      throw new ToolError({
        what: `${url} is not what was locked`,
        why: `its sha256 is ${hash(text)}, versions.lock.json says ${before.sha256}`,
        fix: "do not use it; find out why upstream's file changed before you change the lock",
      });
    }
    locked[name] = { version, url, sha256: hash(text) };
    for (const image of imagesOf(text, MANIFESTS[name].without)) names.add(image);
  }
  const digests: Record<string, string> = {};
  for (const name of [...names].sort()) {
    const known = images?.[name];
    if (known === undefined) progress(`locking the image ${name}`);
    digests[name] = known ?? (await digestOf(name));
  }
  return { manifests: locked, images: digests };
}

function wantedManifests(): Record<ManifestName, string> {
  const product = JSON.parse(readFileSync(join(PRODUCT_ROOT, "versions.json"), "utf8")) as Record<
    ManifestName,
    string
  >;
  const { argocd, gatewayApi, certManager, velero } = product;
  return { argocd, gatewayApi, certManager, velero };
}

/** Of the manifests that are the product's own. */
function shippedImages(model: ClusterModel): string[] {
  const texts = [...readShipped([], kubernetesOf(model))].flatMap(([path, { text }]) =>
    /^kubernetes\/.*\.yaml$/.test(path) ? [text] : [],
  );
  return [...new Set(texts.flatMap((text) => imagesOf(text)))];
}

async function cloudflareRanges(
  progress: (line: string) => void,
): Promise<NonNullable<Lock["cloudflareRanges"]>> {
  progress("locking Cloudflare's networks");
  const { result } = JSON.parse(await fetchText(RANGES_URL)) as {
    result?: { ipv4_cidrs?: string[]; ipv6_cidrs?: string[] };
  };
  const [ipv4, ipv6] = [result?.ipv4_cidrs ?? [], result?.ipv6_cidrs ?? []];
  // With none, every request would be dropped.
  if (ipv4.length > 0) return { ipv4, ipv6 };
  throw new ToolError({
    what: `${RANGES_URL} names no network`,
    fix: "try again later; without them nobody could reach the cluster",
  });
}
