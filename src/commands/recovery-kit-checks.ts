import { UserError } from "../output/errors.ts";
import { AGE_KEYS, type Entries, identitiesOf } from "../recovery-kit/contents.ts";
import type { Manifest } from "../recovery-kit/kit.ts";
import { drillRecipient, recoveryRecipient } from "../recovery-kit/recipient.ts";
import type { Ansible } from "../tools/ansible/install.ts";
import { readVaultToken, VAULT } from "../tools/ansible/vault.ts";
import type { AgeKey } from "../tools/sops/age.ts";
import { decrypt, type Sops } from "../tools/sops/sops.ts";
import type { Cluster } from "./cluster.ts";
import { readVault } from "./recovery-kit-contents.ts";
import { firstCommits } from "./recovery-kit-origin.ts";
import { encryptedFiles } from "./secrets-rotate.ts";
import { readRules } from "./secrets-place.ts";

/** One thing that was tried with the kit. */
export interface Check {
  name: "contents" | "cluster" | "recovery key" | "age key" | "vault";
  ok: boolean;
  /** What was seen. */
  reason: string;
}

/** Refuses the kit of another cluster; a clone without all of the history can only go by the name. */
export async function checkCluster({ root, model }: Cluster, { cluster }: Manifest): Promise<Check> {
  if (cluster.name !== model.name) {
    throw new UserError({
      what: `this is the recovery kit of the cluster ${cluster.name}, and ${root} is the repository of ${model.name}`,
      why: "no secret of the one opens anything of the other",
      fix: `name the repository of ${cluster.name} with --cluster DIR, or the kit of ${model.name}`,
    });
  }
  const first = await firstCommits(root);
  if (first === undefined) {
    return {
      name: "cluster",
      ok: true,
      reason: `${cluster.name}, by its name alone: git fetch --unshallow for more`,
    };
  }
  if (first.includes(cluster.id)) return { name: "cluster", ok: true, reason: cluster.name };
  throw new UserError({
    what: `this is the recovery kit of another cluster that is called ${cluster.name}, too`,
    why: `its repository begins with the commit ${cluster.id.slice(0, 12)}, and the one in ${root} with ${first.at(-1)?.slice(0, 12) ?? "none"}`,
    fix: "name that cluster's repository with --cluster DIR; if this one's history was written anew since, make the kit anew: infra-k3s recovery-kit export",
  });
}

/** Whether the next kit would be for the key that opened this one. */
export function checkRecoveryKey(root: string, keys: readonly AgeKey[]): Check {
  const rules = readRules(root);
  const named = recoveryRecipient(rules);
  if (typeof named !== "string") return { name: "recovery key", ok: false, reason: named.what };
  const drill = drillRecipient(rules);
  if (keys.some(({ recipient }) => recipient === drill))
    return { name: "recovery key", ok: true, reason: "the drill's key, which .sops.yaml names" };
  return keys.some(({ recipient }) => recipient === named)
    ? { name: "recovery key", ok: true, reason: "the one that .sops.yaml names" }
    : { name: "recovery key", ok: false, reason: `.sops.yaml names another one by now: ${named}` };
}

/** Opens every encrypted file of the repository with the kit's keys and nothing else. */
export async function checkAgeKey(sops: Sops, kit: Entries): Promise<Check> {
  const identities = identitiesOf(kit.get(AGE_KEYS) ?? "");
  const files = await encryptedFiles(sops.root);
  const closed: string[] = [];
  for (const [path, text] of files) {
    try {
      await decrypt({ ...sops, identities }, path, text);
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      closed.push(path);
    }
  }
  const all = files.size === 1 ? "the one encrypted file" : `all ${files.size} encrypted files`;
  const opened = files.size === 0 ? "there is no encrypted file yet" : `opens ${all}`;
  const reason =
    closed.length === 0
      ? opened
      : `does not open ${closed.length} of ${files.size} encrypted files: ${closed.join(", ")}`;
  return { name: "age key", ok: closed.length === 0, reason };
}

/** Opens the vault with the kit's password; the token in it is what the kit's tokens are compared with. */
export async function checkVault(
  root: string,
  ansible: Ansible,
  kit: Entries,
): Promise<{ check: Check; token: string | undefined }> {
  const password = kit.get("ANSIBLE_VAULT_PASSWORD");
  // Without one Ansible would be given the one of .envrc.local.
  if (password === undefined || password === "")
    return {
      check: { name: "vault", ok: false, reason: "the kit has no password for it" },
      token: undefined,
    };
  try {
    const token = await readVaultToken(root, ansible, password, readVault(root));
    return { check: { name: "vault", ok: true, reason: `its password opens ${VAULT}` }, token };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    const { what, why } = error.fault;
    const reason = `${what}${why === undefined ? "" : `: ${why.split("\n")[0] ?? ""}`}`;
    return { check: { name: "vault", ok: false, reason }, token: undefined };
  }
}
