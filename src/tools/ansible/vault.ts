import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { writeAtomically } from "../../repository/write.ts";
import type { Ansible } from "./install.ts";
import { runOrFail } from "../process/process.ts";
import { only, type Secrets } from "../secrets/envrc.ts";

export const VAULT = "ansible/inventory/group_vars/all/vault.yml";

/** Creates the vault once with what outlives a run: the K3s token. Plain text never touches the disk. */
export async function ensureVault(root: string, ansible: Ansible, secrets: Secrets): Promise<void> {
  const path = join(root, VAULT);
  if (existsSync(path)) return;
  const plain = `---\n# infra-k3s: what outlives a run. Edit with: ansible-vault edit ${VAULT}\nvault_k3s_token: ${randomBytes(32).toString("hex")}\n`;
  const encrypted = await runOrFail(
    {
      argv: [...ansible("ansible-vault"), "encrypt", "--output", "-", "-"],
      cwd: root,
      stdin: plain,
      env: { ...only(secrets, ["ANSIBLE_VAULT_PASSWORD"]), ANSIBLE_CONFIG: join(root, "ansible.cfg") },
    },
    "can't encrypt the vault",
  );
  writeAtomically(path, `${encrypted.trimEnd()}\n`, 0o600);
}
