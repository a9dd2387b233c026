import { existsSync, globSync, readFileSync, statSync, renameSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { EXIT, UserError } from "../../src/output/errors.ts";
import { cacheFolder } from "../../src/tools/cache.ts";
import { run } from "../command.ts";
import { baseOf, buildModule, buildOwn, carry, LDFLAGS } from "./build.ts";
import { ensureGo, goEnvironment } from "./go.ts";
import { alone } from "./lock.ts";
import { makeManifests, type Manifests, MANIFESTS, pathsIn } from "./manifests.ts";
import { type ArtifactName, CERT_MANAGER, GO, K3S, KSOPS, type Pin, PINS } from "./pins.ts";
import { takePrebuilt } from "./prebuilt.ts";
import { faultOf, fillFolder, sha256 } from "./store.ts";

/** Programs of ours that are made of the module of an upstream that has none, or is not to be had. */
export type OwnName =
  | "cert-manager-controller"
  | "cert-manager-webhook"
  | "cert-manager-cainjector"
  | "ksops";
/** Of the pinned ones, those that only a cluster has which follows a repository. */
const GITOPS = [
  "argocd", "traefik", "kustomize", "kubeconform",
  "velero", "velero-restore-helper", "velero-plugin-for-aws", "cp-plugin",
] as const satisfies readonly ArtifactName[]; // prettier-ignore
type GitopsName = (typeof GITOPS)[number];
type ClusterName = Exclude<ArtifactName, GitopsName>;
/** The path of each program that any cluster needs. */
export type Artifacts = Record<ClusterName | "k3s" | "kubectl", string>;
/** What a cluster needs beside them that follows a repository: programs, and the manifests that upstreams release. */
export type GitopsArtifacts = Record<GitopsName | OwnName, string> & { manifests: Manifests };
export type Progress = (line: string) => void;

const SOURCES = {
  k3s: join(import.meta.dirname, "../k3s"),
  "cert-manager": join(import.meta.dirname, "../cert-manager"),
  ksops: join(import.meta.dirname, "../ksops"),
  manifests: join(import.meta.dirname, "../cert-manager/manifest"),
} as const;

interface Wanted {
  name: ArtifactName | keyof typeof SOURCES;
  version: string;
  minutes: number;
  folder: string;
  make: (folder: string, progress: Progress) => Promise<void>;
}

/**
 * The sandbox's programs, each from the first of: the folder named by INFRA_K3S_ARTIFACT_CACHE, the user's cache, a build
 * of the pinned source. Each is verified, and whole or not there.
 */
export async function ensureArtifacts(progress: Progress): Promise<Artifacts> {
  const all = wantedByCluster();
  await ensure(all, progress);
  const given = givenK3s();
  const k3s = all.find(({ name }) => name === "k3s")?.folder ?? "";
  return {
    ...programsOf<ClusterName>(all),
    k3s: given ?? join(k3s, "k3s"),
    // K3s is kubectl when it is called by that name.
    kubectl: given ?? join(k3s, "kubectl"),
  };
}

/** The same of what a cluster that follows a repository has beside them, which are made first: KSOPS carries their SOPS. */
export async function ensureGitops(progress: Progress): Promise<GitopsArtifacts> {
  const all = wantedByGitops();
  await ensure(all, progress);
  const folder = (name: Wanted["name"]) => all.find((one) => one.name === name)?.folder ?? "";
  return {
    ...programsOf<GitopsName>(all),
    "cert-manager-controller": join(folder("cert-manager"), "controller"),
    "cert-manager-webhook": join(folder("cert-manager"), "webhook"),
    "cert-manager-cainjector": join(folder("cert-manager"), "cainjector"),
    ksops: join(folder("ksops"), "ksops"),
    manifests: pathsIn(folder("manifests")),
  };
}

/** The path of each pinned program. */
function programsOf<Name extends ArtifactName>(all: readonly Wanted[]): Record<Name, string> {
  const modules = all.filter(({ name }) => name in PINS);
  return Object.fromEntries(modules.map(({ name, folder }) => [name, join(folder, name)])) as Record<
    Name,
    string
  >;
}

/** The release files of ArgoCD, the Gateway API and cert-manager alone, for who needs no program. */
export async function ensureManifests(progress: Progress): Promise<Manifests> {
  const one = manifests();
  await ensure([one], progress);
  return pathsIn(one.folder);
}

async function ensure(these: readonly Wanted[], progress: Progress): Promise<void> {
  if (!these.some(isMissing)) return;
  // Asked again behind the lock: who held it may have made them.
  await alone(cacheFolder("artifacts", "lock"), progress, () => make(these.filter(isMissing), progress));
}

/** What still has to be got for a cluster, with the usual minutes if it must be built. */
export function stillToCome({ gitops }: { gitops: boolean }): { name: string; minutes: number }[] {
  return [...wantedByCluster(), ...(gitops ? wantedByGitops() : [])].filter(isMissing);
}

function pinned(name: ArtifactName): Wanted {
  const pin: Pin = PINS[name];
  return {
    name,
    version: pin.version,
    minutes: pin.minutes,
    folder: cacheFolder("artifacts", `${name}-${pin.version}-${key(recipeOf(pin))}`),
    make: async (folder, progress) => {
      if (!(await takePrebuilt(name, pin, folder, progress))) await buildModule(name, pin, folder, progress);
    },
  };
}

function wantedByCluster(): Wanted[] {
  const names = (Object.keys(PINS) as ArtifactName[]).filter((name) => !GITOPS.some((one) => one === name));
  const modules = names.map(pinned);
  const k3s: Wanted = {
    name: "k3s",
    version: K3S.release,
    minutes: K3S.minutes,
    folder: cacheFolder("artifacts", `k3s-${key([sourceOf(SOURCES.k3s), GO])}`),
    make: async (folder, progress) => {
      const go = await ensureGo(progress);
      progress(
        `building the K3s stand-in from Kubernetes ${K3S.kubernetes} (about ${K3S.minutes} min, less when done before)`,
      );
      const output = join(folder, "k3s");
      await run(["nice", "-n", "19", "ionice", "-c", "3", "sh", join(SOURCES.k3s, "build"), go, output], {
        env: goEnvironment(),
      });
      renameSync(`${output}.base`, join(folder, "kubectl"));
    },
  };
  // First: others share what it is made of.
  return givenK3s() === undefined ? [k3s, ...modules] : modules;
}

function wantedByGitops(): Wanted[] {
  const ksops = own("ksops", KSOPS, pinned("sops"));
  return [...GITOPS.map(pinned), own("cert-manager", CERT_MANAGER), ksops, manifests()];
}

/** What decides a build of a pinned module: a change of it is another folder. */
function recipeOf(pin: Pin): unknown[] {
  const { module, version, package: program, go, replace, ownReplaces, ldflags, onK3s } = pin;
  const rest = [replace, ownReplaces, ldflags, onK3s && baseOf(pin)].filter((one) => one !== undefined);
  return [module, version, program, LDFLAGS, go ?? GO, ...rest];
}

/** The programs of a Go module of ours. */
function own(
  name: "cert-manager" | "ksops",
  { version, ldflags, minutes }: { version: string; ldflags: string; minutes: number },
  /** A program that stands in the same file: made before. */
  carried?: Wanted,
): Wanted {
  return {
    name,
    version,
    minutes,
    folder: cacheFolder(
      "artifacts",
      `${name}-${version}-${key([sourceOf(SOURCES[name]), LDFLAGS, ldflags, GO, carried?.folder])}`,
    ),
    make: async (folder, progress) => {
      progress(`building ${name} ${version} (about ${minutes} min)`);
      await buildOwn(SOURCES[name], folder, progress, ldflags);
      if (carried !== undefined) carry(join(folder, name), join(carried.folder, carried.name));
    },
  };
}

function manifests(): Wanted {
  const recipe = readFileSync(join(import.meta.dirname, "manifests.ts"), "utf8");
  return {
    name: "manifests",
    version: MANIFESTS.argocd.version,
    minutes: 1,
    folder: cacheFolder(
      "artifacts",
      `manifests-${key([sourceOf(SOURCES.manifests), recipe, MANIFESTS, GO])}`,
    ),
    make: makeManifests,
  };
}

/** A K3s binary to use instead of the stand-in. */
function givenK3s(): string | undefined {
  const path = process.env["K3S_BINARY"];
  if (path === undefined || path === "") return undefined;
  if (statSync(path, { throwIfNoEntry: false })?.isFile() === true) return resolve(path);
  throw new UserError(
    {
      what: `K3S_BINARY names no file: ${path}`,
      fix: "give the path of a K3s binary, or unset it for the stand-in",
    },
    EXIT.tool,
  );
}

/** Every file that a build reads, by name and content. */
function sourceOf(folder: string): string[][] {
  return globSync("**/*", { cwd: folder, withFileTypes: true })
    .filter((entry) => entry.isFile() && !/_test\.go$|\.md$|\.txt$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
    .map((path) => [relative(folder, path), readFileSync(path, "utf8")]);
}

function isMissing({ folder }: Wanted): boolean {
  return faultOf(folder) !== undefined;
}

async function make(missing: readonly Wanted[], progress: Progress): Promise<void> {
  for (const [index, one] of missing.entries()) {
    const rest = missing.slice(index + 1).map(({ name, minutes }) => `${name} (${minutes} min if built)`);
    const then = rest.length > 0 ? `; then ${rest.join(", ")}` : "";
    progress(`${index + 1} of ${missing.length}: ${one.name} ${one.version}${then}`);
    const fault = existsSync(one.folder) ? faultOf(one.folder) : undefined;
    if (fault !== undefined) progress(`${fault}; it is made again`);
    await fillFolder(one.folder, (building) => one.make(building, progress));
  }
}

function key(data: unknown): string {
  return sha256(JSON.stringify(data)).slice(0, 12);
}
