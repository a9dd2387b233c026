import { randomBytes } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseDocument } from "yaml";
import { UserError } from "../../output/errors.ts";
import { writeAtomically } from "../../repository/write.ts";
import type { Ansible } from "./install.ts";
import { run, runOrFail } from "../process/process.ts";
import { vaultFault } from "./vault-format.ts";
import type { Secrets } from "../secrets/envrc.ts";

export const VAULT = "ansible/inventory/group_vars/all/vault.yml";

/** Creates the vault once with what outlives a run: the K3s token. One that is there must open. Plain text never touches the disk. */
export async function ensureVault(root: string, ansible: Ansible, secrets: Secrets): Promise<void> {
  const path = join(root, VAULT);
  const password = secrets.ANSIBLE_VAULT_PASSWORD ?? "";
  if (existsSync(path)) return requireOpening(readFileSync(path, "utf8"), password);
  const plain = `---\n# infra-k3s: what outlives a run. Edit with: ansible-vault edit ${VAULT}\nvault_k3s_token: ${randomBytes(32).toString("hex")}\n`;
  writeAtomically(path, await encryptVault(root, ansible, password, plain), 0o600);
}

/** Before anything is changed: Ansible would say so only once it needs a secret. */
function requireOpening(text: string, password: string): void {
  switch (vaultFault(text, password)) {
    case undefined:
      return;
    case "plain":
      throw new UserError({
        what: `${VAULT} is not encrypted`,
        why: "the secrets in it are readable to whoever reads the repository",
        fix: `ansible-vault encrypt ${VAULT}; where it was pushed as it is, also rotate what is in it`,
      });
    case "damaged":
      throw new UserError({
        what: `${VAULT} is damaged`,
        why: "it is not what ansible-vault wrote: it was edited by hand, or a merge went through it",
        fix: `restore it from git: git checkout HEAD -- ${VAULT}; edit it with: ansible-vault edit ${VAULT}`,
      });
    case "password":
      throw new UserError({
        what: `${VAULT} does not open with the ANSIBLE_VAULT_PASSWORD`,
        why: "the password is another vault's, or the file was edited by hand",
        fix: `take the password from the .envrc.local the vault was made with, or from the recovery kit; if the file was edited: git checkout HEAD -- ${VAULT}`,
      });
  }
}

/** The token that servers join with, of the vault's text. The plain text is in memory only, and in no error. */
export async function readVaultToken(
  root: string,
  ansible: Ansible,
  password: string,
  ciphertext: string,
): Promise<string> {
  const document = await openVault(root, ansible, password, ciphertext);
  const token = document.errors.length === 0 ? document.get("vault_k3s_token") : undefined;
  if (typeof token === "string" && token !== "") return token;
  throw new UserError({
    what: `${VAULT} has no vault_k3s_token`,
    why: "servers join with it, and etcd's snapshots are encrypted with it",
    fix: `it is in /etc/rancher/k3s/token on the master; add it: ansible-vault edit ${VAULT}`,
  });
}

/** Puts another token into the vault, whose other contents stay. */
export async function replaceVaultToken(
  root: string,
  ansible: Ansible,
  password: string,
  token: string,
): Promise<void> {
  const path = join(root, VAULT);
  const document = await openVault(root, ansible, password, readFileSync(path, "utf8"));
  document.set("vault_k3s_token", token);
  writeAtomically(path, await encryptVault(root, ansible, password, document.toString()), 0o600);
}

async function encryptVault(
  root: string,
  ansible: Ansible,
  password: string,
  plain: string,
): Promise<string> {
  const encrypted = await runOrFail(
    {
      argv: [...ansible("ansible-vault"), "encrypt", "--output", "-", "-"],
      cwd: root,
      stdin: plain,
      env: { ANSIBLE_VAULT_PASSWORD: password, ANSIBLE_CONFIG: join(root, "ansible.cfg") },
    },
    "can't encrypt the vault",
  );
  return `${encrypted.trimEnd()}\n`;
}

async function openVault(root: string, ansible: Ansible, password: string, ciphertext: string) {
  const { exitCode, stdout, stderr } = await run({
    argv: [...ansible("ansible-vault"), "decrypt", "--output", "-", "-"],
    cwd: root,
    stdin: ciphertext,
    env: { ANSIBLE_VAULT_PASSWORD: password, ANSIBLE_CONFIG: join(root, "ansible.cfg") },
  });
  if (exitCode !== 0) {
    throw new UserError({
      what: `${VAULT} does not open with the ANSIBLE_VAULT_PASSWORD`,
      why: stderr.trim().split("\n").slice(-3).join("\n"),
      fix: "take the password from the .envrc.local the vault was made with",
    });
  }
  return parseDocument(stdout);
}
