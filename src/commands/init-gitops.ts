import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { formatDiagnostics } from "../config/diagnostic.ts";
import { replaceBlock } from "../config/edit.ts";
import { placeOf, repositoryFault } from "../config/gitops.ts";
import { loadCluster } from "../config/load.ts";
import type { ClusterModel, Gitops } from "../config/model.ts";
import { EXIT, UserError } from "../output/errors.ts";
import type { Io } from "../output/io.ts";
import { CLUSTER_FILE } from "../repository/locate.ts";
import { writeAtomically } from "../repository/write.ts";
import { DEPLOY_KEY, DEPLOY_KEY_PUBLIC } from "../stages/gitops/sealed.ts";
import { git } from "../tools/git/git.ts";
import { scanHostKeys } from "../tools/git/host-keys.ts";
import { runOrFail } from "../tools/process/process.ts";
import { seal } from "../tools/sops/seal.ts";
import { newKeyPair } from "../tools/ssh/key-pair.ts";
import { runSecretsInit } from "./secrets-init.ts";
import { openSecrets, readRules } from "./secrets-place.ts";

export interface GitopsOptions {
  repository?: string | undefined;
  branch?: string | undefined;
  email?: string | undefined;
  issuer?: string | undefined;
  /** The public half of a recovery key that the operator has already. */
  recovery?: string | undefined;
  /** The recovery key may be printed without a terminal. */
  yes: boolean;
}

interface Blocks {
  gitops?: { repository?: string; branch?: string; hostKeys?: string[] };
  tls?: { email?: string; issuer?: string };
}

/** The text of `cluster.yaml` with the repository the cluster follows, and the keys its git host shows now. */
export async function withGitops(text: string, options: GitopsOptions, io: Io): Promise<string> {
  const { repository, branch, email, issuer } = options;
  const before = (parse(text) ?? {}) as Blocks;
  if (repository === undefined) {
    if ([branch, email, issuer].every((flag) => flag === undefined)) return text;
    throw new UserError(
      {
        what: "--branch, --email and --issuer go with --repository",
        fix: `name the repository too, or edit ${CLUSTER_FILE}`,
      },
      EXIT.usage,
    );
  }
  const place = placeOf(repository);
  if (place === undefined)
    throw new UserError({ what: `--repository ${repository} ${repositoryFault(repository)}` }, EXIT.usage);
  const tls = {
    ...before.tls,
    ...(email === undefined ? {} : { email }),
    ...(issuer === undefined ? {} : { issuer }),
  };
  if (tls.email === undefined) {
    throw new UserError(
      { what: "whom does Let's Encrypt write to?", fix: "add --email you@example.com" },
      EXIT.usage,
    );
  }
  const keys = await scanHostKeys(place.host, place.port);
  const hostKeys = keys.map(({ key }) => key);
  const pinned = before.gitops?.hostKeys ?? [];
  const isSame =
    samePlace(before.gitops?.repository, place) &&
    JSON.stringify([...pinned].sort()) === JSON.stringify(hostKeys);
  if (!isSame) {
    const changed = samePlace(before.gitops?.repository, place)
      ? "OTHER keys than cluster.yaml had"
      : "these keys";
    const lines = keys.map(({ key, fingerprint }) => `  ${fingerprint} ${key.split(" ")[0]}\n`);
    io.err(
      `${place.host} shows ${changed}; compare them with the fingerprints it publishes, they are what is trusted from now on:\n${lines.join("")}`,
    );
  }
  const chosen = branch ?? before.gitops?.branch;
  const gitops = { repository, ...(chosen === undefined ? {} : { branch: chosen }), hostKeys };
  const written = replaceBlock(text, "gitops", gitops, "nodes");
  return replaceBlock(written, "tls", tls, "nodes");
}

function samePlace(repository: string | undefined, { host, port }: { host: string; port: number }): boolean {
  const place = repository === undefined ? undefined : placeOf(repository);
  return place?.host === host && place.port === port;
}

/** `cluster.yaml` as it would be, or what is wrong with it. */
export function requireValid(
  text: string,
  rest: { why?: string; fix: string } = { fix: "correct the flags; nothing was written" },
): ClusterModel {
  const loaded = loadCluster(text, CLUSTER_FILE);
  if (loaded.ok) return loaded.value;
  throw new UserError({ what: formatDiagnostics(loaded.diagnostics, text), ...rest }, EXIT.config);
}

/** What a repository that a cluster follows has besides: keys for what is encrypted, the deploy key, its git host as `origin`. */
export async function ensureGitops(
  root: string,
  { repository, host }: Gitops,
  name: string,
  options: GitopsOptions,
  io: Io,
): Promise<void> {
  if (readRules(root) === undefined) {
    const { recovery, yes } = options;
    await runSecretsInit({ cluster: root, recovery, yes, json: false }, io);
  }
  await ensureDeployKey(root, name, host, io);
  await ensureOrigin(root, repository, io);
}

async function ensureDeployKey(root: string, name: string, host: string, io: Io): Promise<void> {
  const file = join(root, DEPLOY_KEY_PUBLIC);
  if (existsSync(file) && existsSync(join(root, DEPLOY_KEY.path))) return;
  const { privateKey, publicKey } = newKeyPair(`infra-k3s ${name}`);
  await seal(await openSecrets({ cluster: root }), DEPLOY_KEY, privateKey);
  writeAtomically(file, `${publicKey}\n`, 0o644);
  io.err(
    `the cluster's deploy key is new. Add it to the repository at ${host}, as a deploy key that may only read:\n\n${publicKey}\n\n` +
      `(it is in ${DEPLOY_KEY_PUBLIC}; its private half is in ${DEPLOY_KEY.path}, encrypted)\n`,
  );
}

async function ensureOrigin(root: string, repository: string, io: Io): Promise<void> {
  const before = await git(root, ["config", "--get", "remote.origin.url"]);
  if (before !== undefined && canonical(before) === canonical(repository)) return;
  const verb = before === undefined ? "add" : "set-url";
  await runOrFail(
    { argv: ["git", "remote", verb, "origin", repository], cwd: root },
    "git does not take the repository as origin",
  );
  if (before !== undefined) io.err(`git's origin was ${before}, and is ${repository} now\n`);
}

const canonical = (url: string) => JSON.stringify(placeOf(url) ?? url);

/** What is still to be done by a person at the git host. */
export function gitSteps(root: string, { host, repository }: Gitops): string[] {
  const key = readFileSync(join(root, DEPLOY_KEY_PUBLIC), "utf8").trim();
  return [
    `at ${host}: make the repository ${repository}, empty, and add this as a deploy key that may only read: ${key}`,
  ];
}
