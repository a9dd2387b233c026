import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Lock, ManifestName } from "../../config/lock.ts";
import { ToolError } from "../../output/errors.ts";
import { writeAtomically } from "../../repository/write.ts";
import { fetchText } from "./download.ts";

interface UpstreamManifest {
  url: (version: string) => string;
  /** Files below the URL that it is put together of, in this order; left out: it is what the URL gives. */
  files?: readonly string[];
  /** Its place in a cluster repository, as upstream released it. */
  path: string;
  /** Workloads in it that the cluster leaves out: `kubernetes/bootstrap/argocd/kustomization.yaml` deletes them. */
  without: readonly string[];
}

const VELERO_KINDS = [
  ["v1", "backuprepositories"],
  ["v1", "backups"],
  ["v1", "backupstoragelocations"],
  ["v1", "deletebackuprequests"],
  ["v1", "downloadrequests"],
  ["v1", "podvolumebackups"],
  ["v1", "podvolumerestores"],
  ["v1", "restores"],
  ["v1", "schedules"],
  ["v1", "serverstatusrequests"],
  ["v1", "volumesnapshotlocations"],
  ["v2alpha1", "datadownloads"],
  ["v2alpha1", "datauploads"],
] as const;

export const MANIFESTS: Readonly<Record<ManifestName, UpstreamManifest>> = {
  argocd: {
    url: (version) => `https://raw.githubusercontent.com/argoproj/argo-cd/v${version}/manifests/install.yaml`,
    path: "kubernetes/bootstrap/argocd/install.yaml",
    without: ["argocd-dex-server", "argocd-notifications-controller", "argocd-applicationset-controller"],
  },
  gatewayApi: {
    url: (version) =>
      `https://github.com/kubernetes-sigs/gateway-api/releases/download/v${version}/standard-install.yaml`,
    path: "kubernetes/infrastructure/gateway-api/standard-install.yaml",
    without: [],
  },
  certManager: {
    url: (version) =>
      `https://github.com/cert-manager/cert-manager/releases/download/v${version}/cert-manager.yaml`,
    path: "kubernetes/infrastructure/cert-manager/cert-manager.yaml",
    without: [],
  },
  // Velero releases its definitions inside its program only; these are what it has them from.
  velero: {
    url: (version) => `https://raw.githubusercontent.com/vmware-tanzu/velero/v${version}/config/crd`,
    files: VELERO_KINDS.map(([version, kind]) => `${version}/bases/velero.io_${kind}.yaml`),
    path: "kubernetes/infrastructure/velero/crds.yaml",
    without: [],
  },
};

/** A manifest as it is at `url` now. */
export async function fetchManifest(name: ManifestName, url: string): Promise<string> {
  const { files } = MANIFESTS[name];
  if (files === undefined) return fetchText(url);
  const texts = await Promise.all(files.map((file) => fetchText(`${url}/${file}`)));
  // Documents of one file, whatever each begins and ends with.
  return texts.map((text) => `---\n${text.replace(/^---\n/, "").trimEnd()}\n`).join("");
}

/** Those that the lock names and that are not in place, or not as they were locked. */
export function manifestsToFetch(root: string, lock: Lock): string[] {
  return toFetch(root, lock).map(({ path }) => path);
}

function toFetch(
  root: string,
  lock: Lock,
): { name: ManifestName; path: string; locked: { url: string; sha256: string } }[] {
  return Object.entries(MANIFESTS).flatMap(([key, { path }]) => {
    const name = key as ManifestName;
    const locked = lock.manifests?.[name];
    if (locked === undefined) return [];
    const file = join(root, path);
    const isThere = existsSync(file) && hash(readFileSync(file, "utf8")) === locked.sha256;
    return isThere ? [] : [{ name, path, locked }];
  });
}

/**
 * Brings upstream's manifests that the lock names into the repository at `root`; one look at each where all is in place.
 * Returns the paths written. What upstream sends is refused where it is not what was locked.
 */
export async function ensureManifests(root: string, lock: Lock): Promise<string[]> {
  const written: string[] = [];
  for (const { name, path, locked } of toFetch(root, lock)) {
    const file = join(root, path);
    const text = await fetchManifest(name, locked.url);
    if (hash(text) !== locked.sha256) {
      throw new ToolError({
        what: `${locked.url} is not what was locked`,
        why: `its sha256 is ${hash(text)}, versions.lock.json says ${locked.sha256}`,
        fix: "do not use it; find out why upstream's file changed before you change the lock",
      });
    }
    mkdirSync(dirname(file), { recursive: true });
    writeAtomically(file, text, 0o644);
    written.push(path);
  }
  return written;
}

export function hash(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
