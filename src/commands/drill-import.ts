import { existsSync, mkdirSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { METADATA } from "../backup/snapshot.ts";
import { listInventories, readInventory } from "../backup-inventory/store.ts";
import { type Lock, LockSchema } from "../config/lock.ts";
import { ETCD_FOLDER, type Gitops, hasVelero, r2Endpoint } from "../config/model.ts";
import { chooseBackup, recoveryPoints } from "../drill/choose.ts";
import { type DrillImport, LAYOUT } from "../drill/import.ts";
import { EXIT, type ExitCode, UserError } from "../output/errors.ts";
import type { Io } from "../output/io.ts";
import { size } from "../output/table.ts";
import { writeAtomically } from "../repository/write.ts";
import { ensureProgram } from "../tools/downloads/download.ts";
import { LOCK_FILE } from "../tools/downloads/lock.ts";
import { git, textAt } from "../tools/git/git.ts";
import { imagesOf } from "../tools/registry/image.ts";
import { pullImage } from "../tools/registry/pull.ts";
import { runOrFail } from "../tools/process/process.ts";
import { copyObjects } from "../tools/s3/copy.ts";
import { type Bucket, listObjects, type StoredObject } from "../tools/s3/s3.ts";
import { type DrillKey, readDrillKey } from "../tools/sops/drill-key.ts";
import { listVolumeBackups, VELERO_FOLDER } from "../tools/velero/bucket.ts";
import { listSnapshots, requireBackups } from "./backup-place.ts";
import { type Cluster, type ClusterOption, openCluster } from "./cluster.ts";
import { checkCluster } from "./recovery-kit-checks.ts";
import { openKit } from "./recovery-kit-verify.ts";

export interface DrillImportOptions extends ClusterOption {
  /** The backup, or `last`. */
  of: string;
  kit: string;
  /** The drill's key. */
  identity: string;
  to: string;
}

/** What K3s starts each pod with, whatever the cluster: no object names it. https://docs.k3s.io/cli/server */
const PAUSE = "docker.io/rancher/mirrored-pause:3.6";

/**
 * Copies into a folder all that a drill restores from, with the drill's own key, which only reads: nothing outside is needed
 * after it. What is there already is not fetched again.
 */
export async function runDrillImport(options: DrillImportOptions, io: Io): Promise<ExitCode> {
  const cluster = openCluster(options);
  const progress = (line: string) => io.err(`${line}\n`);
  const folder = resolve(options.to);
  const about = join(folder, LAYOUT.about);
  rmSync(about, { force: true });
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const imported = await importAll(cluster, options, folder, progress);
  const text = `${JSON.stringify(imported)}\n`;
  writeAtomically(about, text, 0o600);
  io.out(text);
  return EXIT.ok;
}

async function importAll(
  cluster: Cluster,
  { of, kit, identity }: DrillImportOptions,
  folder: string,
  progress: (line: string) => void,
): Promise<DrillImport> {
  const { root, model } = cluster;
  const { accountId, backupBucket, stateBucket } = requireBackups(cluster);
  const { gitops } = model;
  if (gitops === null) {
    throw new UserError(
      { what: "this cluster follows no git repository", why: "a drill brings it back from one", fix: "infra-k3s init --repository URL" },
      EXIT.config,
    ); // prettier-ignore
  }
  const key = await requireKey(identity);
  await checkCluster(cluster, (await openKit(kit, identity)).manifest);
  const bucket: Bucket = { endpoint: r2Endpoint(accountId), name: backupBucket, key: key.bucket };
  const [inventories, snapshots, volumes] = await Promise.all([
    listInventories(bucket),
    listSnapshots(bucket),
    hasVelero(model) ? listVolumeBackups(bucket) : null,
  ]);
  const chosen = chooseBackup({ inventories, snapshots, volumes }, of);
  if ("what" in chosen) throw new UserError(chosen);
  const { backup, snapshot } = chosen;
  progress(`the backup is ${backup}`);
  const { header } = await readInventory(bucket, backup, [key]);
  const lock = await lockAt(root, header.commit);
  await takeCommit(root, header.commit, gitops, join(folder, LAYOUT.repository));
  const objects = [...(await objectsOf(bucket, backup, snapshot.name)), ...(await stateOf({ ...bucket, name: stateBucket }))]; // prettier-ignore
  for (const { of: from, list } of byBucket(bucket, objects)) {
    const bytes = list.reduce((sum, one) => sum + one.bytes, 0);
    progress(`${list.length} objects of the bucket ${from.name}, ${size(bytes)}`);
    await copyObjects(from, list, join(folder, LAYOUT.objects), every(100, list.length, progress));
  }
  await download(lock, join(folder, LAYOUT.downloads), progress);
  const wanted = wantedImages(header.images, lock, await appImages(root, header.commit));
  const { images, notes } = await pullAll(wanted, join(folder, LAYOUT.images), progress);
  const { branch, repository } = gitops;
  return {
    cluster: model.name,
    ...chosen,
    commit: header.commit,
    branch,
    repository,
    k3s: header.k3s,
    backupBucket,
    stateBucket,
    points: recoveryPoints({ inventories, snapshots, volumes }, Date.now()),
    objects: objects.length,
    bytes: objects.reduce((sum, { object }) => sum + object.bytes, 0),
    images,
    notes,
  };
}

async function requireKey(identity: string): Promise<DrillKey> {
  const key = await readDrillKey(identity);
  if (key !== undefined) return key;
  throw new UserError({ what: `there is no ${identity}`, why: "a drill has a key of its own", fix: "infra-k3s drill init; or name the file: --identity FILE" }, EXIT.usage); // prettier-ignore
}

interface Wanted {
  of: string;
  object: StoredObject;
}

/** Of this backup alone: what is restored is the newest that the bucket has. Of Kopia's repositories all, since they share what they hold. */
async function objectsOf(bucket: Bucket, backup: string, snapshot: string): Promise<Wanted[]> {
  const folders = [`${ETCD_FOLDER}/${snapshot}`, `${ETCD_FOLDER}/${METADATA}/${snapshot}`, `${VELERO_FOLDER}/kopia/`, `${VELERO_FOLDER}/backups/${backup}/`, `inventory/${backup}.`]; // prettier-ignore
  const found = await Promise.all(folders.map((prefix) => listObjects(bucket, prefix)));
  const files = found.flat().filter(({ key }) => !key.endsWith("/"));
  return files.map((object) => ({ of: bucket.name, object }));
}

async function stateOf(bucket: Bucket): Promise<Wanted[]> {
  const states = (await listObjects(bucket)).filter(({ key }) => key.endsWith(".tfstate"));
  return states.map((object) => ({ of: bucket.name, object }));
}

function byBucket(bucket: Bucket, wanted: readonly Wanted[]): { of: Bucket; list: StoredObject[] }[] {
  return [...new Set(wanted.map(({ of }) => of))].map((name) => ({
    of: { ...bucket, name },
    list: wanted.filter(({ of }) => of === name).map(({ object }) => object),
  }));
}

async function lockAt(root: string, commit: string): Promise<Lock> {
  const text = await textAt(root, commit, LOCK_FILE);
  if (text !== undefined) return LockSchema.parse(JSON.parse(text));
  throw new UserError({
    what: `the commit ${commit.slice(0, 12)} of the backup is not in this clone`,
    why: `without it there is no ${LOCK_FILE} of that day`,
    fix: "git fetch; in CI, check out with all of git's history (fetch-depth: 0)",
  });
}

/** A bare repository with the branch at that commit. No hook of the user's runs. */
async function takeCommit(root: string, commit: string, { branch }: Gitops, to: string): Promise<void> {
  if (!existsSync(join(to, "HEAD")))
    await runOrFail({ argv: ["git", "init", "--quiet", "--bare", `--initial-branch=${branch}`, to] }, "no repository could be made"); // prettier-ignore
  const push = ["git", "push", "--quiet", "--no-verify", "--force", to, `${commit}:refs/heads/${branch}`] as const; // prettier-ignore
  await runOrFail({ argv: push, cwd: root }, `the commit ${commit.slice(0, 12)} could not be copied`);
}

/** The programs that hosts and operator run, in the places of their URLs. */
async function download(lock: Lock, folder: string, progress: (line: string) => void): Promise<void> {
  for (const artifact of [lock.k3s, lock.kubectl, lock.tailscale, lock.tofu, lock.sops]) {
    for (const [platform, { url, sha256 }] of Object.entries(artifact?.files ?? {})) {
      // A sandbox's hosts are of this machine's kind.
      if (!platform.endsWith("amd64")) continue;
      const { host, pathname } = new URL(url);
      progress(`${host}${pathname}`);
      await ensureProgram(join(folder, host, decodeURIComponent(pathname)), url, sha256);
    }
  }
}

/** What the apps of the commit name: an image that no pod ran when the inventory was taken may be wanted by the next one. */
async function appImages(root: string, commit: string): Promise<string[]> {
  const listed = await git(root, ["ls-tree", "-r", "--name-only", commit, "--", "kubernetes/apps"]);
  const files = (listed ?? "").split("\n").filter((path) => /\.ya?ml$/.test(path) && !/\.sops\./.test(path));
  const texts = await Promise.all(files.map((path) => textAt(root, commit, path)));
  return texts.flatMap((text) => imagesOf(text ?? ""));
}

/** Each image by digest where anybody knows it; by its tag otherwise, which is told. */
export function wantedImages(
  ran: readonly { name: string; digest: string }[],
  lock: Pick<Lock, "images">,
  named: readonly string[],
): string[] {
  const locked = Object.entries(lock.images ?? {}).map(([name, digest]) => ({ name, digest }));
  const known = [...ran, ...locked].filter(({ digest }) => digest !== "");
  const references = known.map(({ name, digest }) => (name.includes("@") ? name : `${name}@${digest}`));
  const unknown = [...ran.map(({ name }) => name), ...named, PAUSE].filter((name) => !known.some((one) => one.name === name)); // prettier-ignore
  return [...new Set([...references, ...unknown])].sort();
}

async function pullAll(
  wanted: readonly string[],
  folder: string,
  progress: (line: string) => void,
): Promise<Pick<DrillImport, "images" | "notes">> {
  const notes: string[] = [];
  for (const image of wanted) {
    progress(`the image ${image.replace(/@sha256:([0-9a-f]{12}).*/, " ($1)")}`);
    const digest = await pullImage(image, "amd64", folder);
    if (!image.includes("@")) notes.push(`${image} by its tag: nobody says which digest was run; ${digest.slice(7, 19)} now`);
  }
  return { images: [...wanted], notes };
} // prettier-ignore

function every(step: number, all: number, progress: (line: string) => void): (done: number) => void {
  return (done) => {
    if (done % step === 0) progress(`  ${done} of ${all}`);
  };
}
