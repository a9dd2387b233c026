import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { loadCluster } from "../config/load.ts";
import { type ClusterModel, type Gitops, stacksOf } from "../config/model.ts";
import { requireCredentials } from "../doctor/credentials/check.ts";
import { EXIT, type ExitCode, UserError } from "../output/errors.ts";
import type { Emit } from "../output/events.ts";
import type { Io } from "../output/io.ts";
import { jsonEmit, terminalEmit } from "../output/terminal.ts";
import { AGE_KEYS, CLUSTER, type Entries, identitiesOf, tokensIn } from "../recovery-kit/contents.ts";
import type { Kit } from "../recovery-kit/kit.ts";
import { CLUSTER_FILE } from "../repository/locate.ts";
import { writeAtomically } from "../repository/write.ts";
import { ensureAnsible } from "../tools/ansible/install.ts";
import { readLock } from "../tools/downloads/lock.ts";
import { clone } from "../tools/git/clone.ts";
import { git, requireRepository } from "../tools/git/git.ts";
import {
  ENVRC_LOCAL,
  SECRET_NAMES,
  type SecretName,
  saveSecrets,
  type Secrets,
} from "../tools/secrets/envrc.ts";
import { AGE_KEY_FILE, type AgeKey } from "../tools/sops/age.ts";
import { ensureSops } from "../tools/sops/install.ts";
import { CREDENTIALS } from "../tools/tofu/environment.ts";
import { type Cluster, openCluster } from "./cluster.ts";
import { checkAgeKey, checkCluster, checkRecoveryKey, checkVault } from "./recovery-kit-checks.ts";
import { openKit } from "./recovery-kit-verify.ts";
import { restoreCluster } from "./restore-cluster.ts";

export interface RestoreAllOptions {
  kit: string;
  /** A file with the recovery key's private half; default: stdin. */
  identity?: string | undefined;
  /** Where to clone from; default: what the kit says. */
  repository?: string | undefined;
  /** Where to; default: a folder of the cluster's name. */
  directory?: string | undefined;
  from?: string | undefined;
  json: boolean;
  yes: boolean;
  /** Commit and push what is another now, such as servers.json, without asking. */
  push: boolean;
}

/** Brings the cluster back where nothing is left but git, R2 and the recovery kit. Run again, it goes on. */
export async function runRestoreAll(options: RestoreAllOptions, io: Io): Promise<ExitCode> {
  const emit = options.json ? jsonEmit(io) : terminalEmit(io);
  const { keys, ...kit } = await openKit(options.kit, options.identity);
  const root = await takeRepository(options, kit, emit);
  const cluster = await unlock(root, kit, keys, emit);
  requireAtHand(cluster);
  await requireCredentials(cluster.model, cluster.secrets);
  const tokens = tokensIn(kit.entries);
  return restoreCluster({ ...options, cluster: root }, { tokens, keys }, io, emit);
}

/** The repository at its own place; one that is there from before is gone on with. */
async function takeRepository(
  { repository, directory }: RestoreAllOptions,
  { manifest, entries }: Kit,
  emit: Emit,
): Promise<string> {
  const root = resolve(directory ?? manifest.cluster.name);
  if (!existsSync(root) || readdirSync(root).length === 0) {
    const source = repository ?? manifest.git.repository;
    emit({ event: "log", level: "info", message: `cloning ${source} to ${root}` });
    const key = process.env["INFRA_K3S_SSH_KEY"] ?? "";
    await clone({ repository: source, branch: manifest.git.branch, gitops: gitopsOf(entries), key }, root);
  } else if (!existsSync(join(root, CLUSTER_FILE))) {
    throw new UserError(
      { what: `${root} is there, and no cluster repository`, fix: "name a folder that is not there yet" },
      EXIT.usage,
    );
  }
  await requireRepository(root);
  if ((await git(root, ["merge-base", "--is-ancestor", manifest.git.commit, "HEAD"])) === undefined) {
    const message = `the kit was made at commit ${manifest.git.commit.slice(0, 7)}, which is not in what was cloned: the git host may have lost what came last`;
    emit({ event: "log", level: "warning", message });
  }
  return root;
}

/** Whose host keys `cluster.yaml` of the kit pins; an older one that can't be read pins none. */
function gitopsOf(entries: Entries): Gitops | null {
  const loaded = loadCluster(Buffer.from(entries.get(CLUSTER) ?? ""), CLUSTER_FILE);
  return loaded.ok ? loaded.value.gitops : null;
}

/** Settings of `.envrc.local` that are entries of a kit. */
const SETTINGS = SECRET_NAMES.filter(
  (name) => name === "ANSIBLE_VAULT_PASSWORD" || name.startsWith("TF_VAR_state_"),
);

/** Refuses a kit that is not this repository's or does not open it; only then puts what it holds where it belongs. */
async function unlock(
  root: string,
  { manifest, entries }: Kit,
  keys: readonly AgeKey[],
  emit: Emit,
): Promise<Cluster> {
  const cluster = openCluster({ cluster: root });
  await checkCluster(cluster, manifest);
  const recovery = checkRecoveryKey(root, keys);
  if (!recovery.ok) emit({ event: "log", level: "warning", message: recovery.reason });
  const progress = (message: string) => emit({ event: "log", level: "info", message });
  const ansible = await ensureAnsible(progress);
  const sops = { root, program: await ensureSops(readLock(root)) };
  const vault = await checkVault(root, ansible, entries);
  const failed = [await checkAgeKey(sops, entries), vault.check].filter(({ ok }) => !ok);
  if (failed.length > 0) {
    throw new UserError({
      what: `the recovery kit, made ${manifest.made}, does not open the repository in ${root}; nothing was changed`,
      why: failed.map(({ name, reason }) => `${name}: ${reason}`).join("\n"),
      fix: "use a newer kit; or check out the commit that this one was made at, and run this again",
    });
  }
  putKeys(root, entries.get(AGE_KEYS) ?? "");
  saveSecrets(root, settingsOf(entries));
  progress(`${root} has its age key, the vault's password and the key of OpenTofu's state again`);
  return openCluster({ cluster: root });
}

function settingsOf(entries: Entries): Secrets {
  const found: Partial<Record<SecretName, string>> = {};
  for (const name of SETTINGS) {
    const value = entries.get(name);
    if (value !== undefined) found[name] = value;
  }
  return found;
}

/** On top of what is there: a key is never lost. */
function putKeys(root: string, ofKit: string): void {
  const path = join(root, AGE_KEY_FILE);
  const before = existsSync(path) ? readFileSync(path, "utf8") : "";
  if (identitiesOf(ofKit).every((identity) => identitiesOf(before).includes(identity))) return;
  writeAtomically(path, `${ofKit}${before}`, 0o600);
}

/**
 * What the kit does not hold, on purpose: whoever opened it could lift the backups' lock with Cloudflare's token, and each is
 * made anew in a console. All that is missing is named at once.
 */
function requireAtHand({ root, model, secrets }: Cluster): void {
  const absent = wanted(model, secrets).filter((name) => secrets[name] === undefined);
  if (absent.length === 0) return;
  throw new UserError({
    what: `${absent.join(", ")}: neither in the environment nor in ${join(root, ENVRC_LOCAL)}`,
    why: "the recovery kit has what can't be made anew; these can, and nothing of the cluster opens with them",
    fix: "make them (docs/credentials.md says where and what each must be allowed to), put them into .envrc.local as export NAME='value', and run this again",
  });
}

/** What the providers and the tailnet are opened with. */
export function wanted(model: ClusterModel, secrets: Secrets): SecretName[] {
  const tailnet = ["TAILSCALE_OAUTH_CLIENT_ID", "TAILSCALE_OAUTH_CLIENT_SECRET"] as const;
  return [
    ...stacksOf(model).flatMap((stack) => CREDENTIALS[stack]),
    ...(secrets.TAILSCALE_AUTHKEY === undefined ? tailnet : []),
  ];
}
