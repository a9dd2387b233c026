import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type ClusterModel, r2Endpoint } from "../config/model.ts";
import { type Fault, UserError } from "../output/errors.ts";
import { AGE_KEYS, CLUSTER, LOCK, STATE } from "../recovery-kit/contents.ts";
import { CLUSTER_FILE } from "../repository/locate.ts";
import { everyRecipient, RULES_FILE } from "../secrets/rules.ts";
import type { Ansible } from "../tools/ansible/install.ts";
import { readVaultToken, VAULT } from "../tools/ansible/vault.ts";
import { LOCK_FILE, readLock } from "../tools/downloads/lock.ts";
import { versionsOf } from "../tools/git/git.ts";
import { ENVRC_LOCAL, type SecretName, type Secrets } from "../tools/secrets/envrc.ts";
import { REPOSITORY_PASSWORD } from "../stages/gitops/sealed.ts";
import { AGE_KEY_FILE, type AgeKey, readAgeKeys } from "../tools/sops/age.ts";
import { openSealed } from "../tools/sops/seal.ts";
import type { Sops } from "../tools/sops/sops.ts";
import type { Cluster } from "./cluster.ts";
import { readRules } from "./secrets-place.ts";

/** What the operator's place has of a kit's entries, and what it lacks. */
export interface Gathered {
  entries: Map<string, string>;
  missing: Fault[];
}

/** All that lies here as it is; the vault, which a program opens, is `vaultTokens`. Reaches nothing outside. */
export async function gather({ root, model, secrets }: Cluster): Promise<Gathered> {
  const entries = new Map([[CLUSTER, readFileSync(join(root, CLUSTER_FILE), "utf8")]]);
  const missing: Fault[] = [];
  if (readLock(root) === undefined) {
    missing.push({
      what: `there is no ${LOCK_FILE}`,
      why: "only what was locked is ever run, also on the day the cluster is restored",
      fix: `restore it from git: git checkout ${LOCK_FILE}; or make it: infra-k3s init ${root}`,
    });
  } else entries.set(LOCK, readFileSync(join(root, LOCK_FILE), "utf8"));
  const keys = await clusterKeys(root);
  if ("what" in keys) missing.push(keys);
  else entries.set(AGE_KEYS, keys.text);
  for (const { name, why, fix } of needed(model)) {
    const value = secrets[name];
    if (value === undefined) missing.push({ what: `there is no ${name} in ${ENVRC_LOCAL}`, why, fix });
    else entries.set(name, value);
  }
  if (model.cloudflare !== null) entries.set(STATE, stateText(model.cloudflare));
  return { entries, missing };
}

/** The password of the volumes' backups, out of its SOPS file. */
export async function repositoryPassword(sops: Sops): Promise<string> {
  const { path } = REPOSITORY_PASSWORD;
  const text = await openSealed(sops, REPOSITORY_PASSWORD);
  if (text !== undefined) return text;
  throw new UserError({
    what: `there is no ${path}`,
    why: "no backup of a volume opens without the password in it",
    fix: `restore it from git: git checkout ${path}; of a new cluster: infra-k3s up --push`,
  });
}

/** The private keys of the cluster, without the recovery key where somebody has put that beside them. */
async function clusterKeys(root: string): Promise<{ text: string } | Fault> {
  const named = everyRecipient(readRules(root) ?? []);
  const recovery = new Set(named.filter(({ name }) => name === "recovery").map(({ key }) => key));
  const own = (await readAgeKeys(root)).filter(({ recipient }) => !recovery.has(recipient));
  // Where there are no rules that is a fault of its own.
  if (own.some(({ recipient }) => named.length === 0 || named.some(({ key }) => key === recipient)))
    return { text: own.map(keyText).join("") };
  return {
    what:
      own.length === 0
        ? `the cluster's age key is not in ${AGE_KEY_FILE}`
        : `no key in ${AGE_KEY_FILE} is one that ${RULES_FILE} names`,
    why: "a cluster made anew could open none of the encrypted files in git",
    fix: `restore ${AGE_KEY_FILE} from where you keep it; lost for good: infra-k3s secrets rotate --renew cluster, with the recovery key in SOPS_AGE_KEY`,
  };
}

/** As age-keygen writes it. */
function keyText({ identity, recipient }: AgeKey): string {
  return `# public key: ${recipient}\n${identity}\n`;
}

function stateText({ accountId, stateBucket }: NonNullable<ClusterModel["cloudflare"]>): string {
  return `${JSON.stringify({ endpoint: r2Endpoint(accountId), bucket: stateBucket }, null, 2)}\n`;
}

function needed({ cloudflare }: ClusterModel): { name: SecretName; why: string; fix: string }[] {
  const vault = {
    name: "ANSIBLE_VAULT_PASSWORD",
    why: `nothing else opens ${VAULT}`,
    fix: `take it from the ${ENVRC_LOCAL} the vault was made with`,
  } as const;
  if (cloudflare === null) return [vault];
  const names = [
    "TF_VAR_state_passphrase",
    "TF_VAR_state_access_key_id",
    "TF_VAR_state_secret_access_key",
  ] as const;
  const why = `OpenTofu's state in the bucket ${cloudflare.stateBucket} can't be read without it`;
  const fix = `the first infra-k3s up makes it; later, take it from the ${ENVRC_LOCAL} that up was run with`;
  return [vault, ...names.map((name) => ({ name, why, fix }))];
}

/**
 * The server token of today, and those that git's history of the vault has: a snapshot of etcd opens with the token of its
 * own day. `unopened`: versions of the vault that have another password.
 */
export async function vaultTokens(
  { root, secrets }: Pick<Cluster, "root"> & { secrets: Secrets },
  ansible: Ansible,
): Promise<{ tokens: string[]; unopened: number }> {
  const password = secrets.ANSIBLE_VAULT_PASSWORD ?? "";
  const today = readVault(root);
  const tokens = [await readVaultToken(root, ansible, password, today)];
  const older = new Set((await versionsOf(root, VAULT, true)).map(({ text }) => text.trim()));
  older.delete(today.trim());
  let unopened = 0;
  for (const text of older) {
    try {
      tokens.push(await readVaultToken(root, ansible, password, text));
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      unopened += 1;
    }
  }
  return { tokens: [...new Set(tokens)], unopened };
}

/** The vault as it lies in the repository: encrypted. */
export function readVault(root: string): string {
  const path = join(root, VAULT);
  if (existsSync(path)) return readFileSync(path, "utf8");
  throw new UserError({
    what: `there is no ${VAULT}`,
    why: "it holds the token that servers join with and etcd's snapshots are encrypted with",
    fix: `restore it from git: git checkout ${VAULT}; of a new cluster: infra-k3s init ${root}`,
  });
}
