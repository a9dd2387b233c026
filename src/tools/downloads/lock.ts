import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type Lock, LockSchema, type LockedArtifact, type LockedName } from "../../config/lock.ts";
import type { ClusterModel } from "../../config/model.ts";
import { EXIT, ToolError, UserError } from "../../output/errors.ts";
import { PRODUCT_ROOT } from "../../repository/shipped.ts";
import { fetchText, hashOf } from "./download.ts";
import { completeGitops, lackingGitops } from "./gitops.ts";

export const LOCK_FILE = "versions.lock.json";

/** Where upstream publishes each artifact, and how it publishes the checksum. */
interface Upstream {
  url: string;
  checksumUrl: string;
  checksum: (text: string) => string | undefined;
}

/** The versions a cluster wants: K3s from `cluster.yaml`, kubectl to match, the rest from the product. */
export function wanted(model: ClusterModel): Record<LockedName, { version: string; platforms: string[] }> {
  const product = JSON.parse(readFileSync(join(PRODUCT_ROOT, "versions.json"), "utf8")) as {
    sops: string;
    tailscale: string;
    tofu: string;
  };
  const arches = [...new Set(model.nodes.map((node) => node.arch))].sort();
  return {
    k3s: { version: model.k3s.version, platforms: arches },
    kubectl: { version: model.k3s.version.split("+")[0] ?? "", platforms: [operatorPlatform()] },
    tailscale: { version: product.tailscale, platforms: arches },
    tofu: { version: product.tofu, platforms: [operatorPlatform()] },
    sops: { version: product.sops, platforms: [operatorPlatform()] },
  };
}

/** A part of the lock that a command may need alone; `gitops`: manifests, images and networks of what is rendered. */
type LockPart = LockedName | "gitops";

/** What a rendering reads of the lock: what hosts run, and nothing that depends on the machine it is rendered on. */
export const RENDERED: readonly LockPart[] = ["k3s", "tailscale", "gitops"];

/** kubectl's name of the machine the CLI runs on. */
export function operatorPlatform(): string {
  return `${process.platform === "darwin" ? "darwin" : "linux"}-${process.arch === "arm64" ? "arm64" : "amd64"}`;
}

function upstream(name: LockedName, version: string, platform: string): Upstream {
  switch (name) {
    case "k3s": {
      const release = `https://github.com/k3s-io/k3s/releases/download/${encodeURIComponent(version)}`;
      const file = platform === "amd64" ? "k3s" : `k3s-${platform}`;
      return {
        url: `${release}/${file}`,
        checksumUrl: `${release}/sha256sum-${platform}.txt`,
        checksum: (text) => new RegExp(`^([0-9a-f]{64}) +${file}$`, "m").exec(text)?.[1],
      };
    }
    case "kubectl": {
      const url = `https://dl.k8s.io/release/${version}/bin/${platform.replace("-", "/")}/kubectl`;
      return { url, checksumUrl: `${url}.sha256`, checksum: firstHash };
    }
    case "tailscale": {
      const url = `https://pkgs.tailscale.com/stable/tailscale_${version}_${platform}.tgz`;
      return { url, checksumUrl: `${url}.sha256`, checksum: firstHash };
    }
    case "tofu": {
      const release = `https://github.com/opentofu/opentofu/releases/download/v${version}`;
      const file = `tofu_${version}_${platform.replace("-", "_")}.tar.gz`;
      return {
        url: `${release}/${file}`,
        checksumUrl: `${release}/tofu_${version}_SHA256SUMS`,
        checksum: (text) => listedHash(text, file),
      };
    }
    case "sops": {
      const release = `https://github.com/getsops/sops/releases/download/v${version}`;
      const file = `sops-v${version}.${platform.replace("-", ".")}`;
      return {
        url: `${release}/${file}`,
        checksumUrl: `${release}/sops-v${version}.checksums.txt`,
        checksum: (text) => listedHash(text, file),
      };
    }
  }
}

function listedHash(text: string, file: string): string | undefined {
  return firstHash(text.split("\n").find((line) => line.endsWith(` ${file}`)) ?? "");
}

function firstHash(text: string): string | undefined {
  return /^([0-9a-f]{64})\b/.exec(text.trim())?.[1];
}

/** Adds what the lock lacks, from the bytes upstream sends, checked against the checksum it publishes. */
export async function completeLock(
  existing: Lock | undefined,
  model: ClusterModel,
  progress: (line: string) => void,
): Promise<Lock> {
  const names = Object.entries(wanted(model)) as [LockedName, { version: string; platforms: string[] }][];
  const entries = await Promise.all(
    names.map(async ([name, { version, platforms }]): Promise<[LockedName, LockedArtifact]> => {
      const before = existing?.[name];
      const files = before?.version === version ? { ...before.files } : {};
      for (const platform of platforms) {
        if (files[platform] !== undefined) continue;
        progress(`locking ${name} ${version} (${platform})`);
        files[platform] = await lockOne(upstream(name, version, platform));
      }
      return [name, { version, files }];
    }),
  );
  const gitops = await completeGitops(existing, model, progress);
  return LockSchema.parse({ ...Object.fromEntries(entries), ...gitops });
}

async function lockOne({ url, checksumUrl, checksum }: Upstream): Promise<{ url: string; sha256: string }> {
  const [published, received] = await Promise.all([fetchText(checksumUrl).then(checksum), hashOf(url)]);
  if (published === received) return { url, sha256: received };
  throw new ToolError({
    what: `${url} does not match the checksum upstream publishes`,
    why: `received ${received}, ${checksumUrl} says ${published ?? "nothing that can be read"}`,
    fix: "the download was damaged or tampered with: try again, and from another network",
  });
}

/** Reads the lock; a lock that lacks what `cluster.yaml` asks for is an error that says how to complete it. */
export function readLock(root: string): Lock | undefined {
  let text: string;
  try {
    text = readFileSync(join(root, LOCK_FILE), "utf8");
  } catch {
    return undefined;
  }
  const parsed = LockSchema.safeParse(JSON.parse(text));
  if (parsed.success) return parsed.data;
  throw new UserError(
    {
      what: `${LOCK_FILE} is damaged`,
      why: parsed.error.message,
      fix: `restore it from git: git checkout ${LOCK_FILE}`,
    },
    EXIT.config,
  );
}

/** `parts`: all that is needed of it. */
export function requireLock(root: string, model: ClusterModel, parts?: readonly LockPart[]): Lock {
  const lock = readLock(root);
  const isNeeded = (part: string) => parts?.includes(part as LockPart) !== false;
  const needed = Object.entries(wanted(model)).filter(([name]) => isNeeded(name));
  const lacking = needed.flatMap(([name, { version, platforms }]) => {
    const entry = lock?.[name as LockedName];
    const complete =
      entry?.version === version && platforms.every((platform) => entry.files[platform] !== undefined);
    return complete ? [] : [`${name} ${version} (${platforms.join(", ")})`];
  });
  if (isNeeded("gitops")) lacking.push(...lackingGitops(lock, model));
  if (lock !== undefined && lacking.length === 0) return lock;
  throw new UserError(
    {
      what: `${LOCK_FILE} does not hold ${lacking.join(", ")}`,
      why: "only what was locked from upstream is ever run",
      fix: `complete it: infra-k3s init ${root}`,
    },
    EXIT.config,
  );
}
