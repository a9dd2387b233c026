import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { type Ansible, ensureAnsible } from "../../src/tools/ansible/install.ts";
import { ensureVault, VAULT } from "../../src/tools/ansible/vault.ts";
import { run } from "../../src/tools/process/process.ts";
import { git } from "../secrets/corpus.ts";
import { Place } from "../secrets/place.ts";

const ROOT = join(import.meta.dirname, "../..");

/** Values that must never be seen, and what they are. */
export const PLANTED = {
  ANSIBLE_VAULT_PASSWORD: "planted-vault-password",
  TF_VAR_state_passphrase: "planted-state-passphrase-of-32-characters",
  TF_VAR_state_access_key_id: "plantedstateaccesskeyid",
  TF_VAR_state_secret_access_key: "planted-state-secret-access-key",
} as const;

export const PLANTED_PASSWORD = "planted-password-of-the-volumes";

/** The real Ansible, of the user's cache, into which it is installed when missing; undefined, and said, where it can't be. */
export async function findAnsible(): Promise<Ansible | undefined> {
  try {
    return await ensureAnsible(console.warn);
  } catch (error) {
    console.warn(`SKIPPED: the tests with the real Ansible: ${String(error)}`);
  }
}

/** A cluster repository with everything that a recovery kit holds. */
export class KitPlace extends Place {
  readonly ansible: Ansible;

  constructor(sops: string, ansible: Ansible, name: string) {
    super(sops);
    this.ansible = ansible;
    const [python] = ansible("ansible-vault");
    const installed = dirname(dirname(python));
    const tools = join(this.base, "cache/infra-k3s/tools");
    mkdirSync(tools, { recursive: true });
    symlinkSync(installed, join(tools, basename(installed)));
    const example = readFileSync(join(ROOT, "examples/everything/cluster.yaml"), "utf8");
    this.write("cluster.yaml", example.replace("name: everything", `name: ${name}`));
    this.write(".gitignore", ".age-key.local\n.envrc.local\n*.recovery-kit.age\n");
    for (const path of ["ansible.cfg", "scripts/vault-password-client"]) {
      cpSync(join(ROOT, path), join(this.root, path), { recursive: true });
    }
  }

  write(path: string, text: string, mode = 0o644): void {
    mkdirSync(dirname(join(this.root, path)), { recursive: true });
    writeFileSync(join(this.root, path), text, { mode });
  }

  setSecrets(secrets: Readonly<Record<string, string>>): void {
    const lines = Object.entries(secrets).map(([name, value]) => `export ${name}='${value}'\n`);
    this.write(".envrc.local", lines.join(""), 0o600);
  }

  /** As `init` and `up` leave it: keys, vault, secrets, a Secret, a commit at a git host. Returns the recovery key. */
  async complete(): Promise<string> {
    const recovery = (await this.must(["init", "--yes"])).trim();
    this.setSecrets(PLANTED);
    await ensureVault(this.root, this.ansible, PLANTED);
    await this.must(
      ["set", "kubernetes/apps/echo/db.sops.yaml", "password", "--namespace", "echo"],
      "hunter2",
    );
    await this.setRepositoryPassword(PLANTED_PASSWORD);
    this.commitAndPush("first");
    return recovery;
  }

  setRepositoryPassword(value: string): Promise<string> {
    const file = "kubernetes/infrastructure/velero/repository.sops.yaml";
    return this.must(["set", file, "repository-password", "--namespace", "velero"], value);
  }

  commitAndPush(message: string): void {
    this.commit(message);
    git(this.root, "update-ref", "refs/remotes/origin/main", "HEAD");
  }

  async vault(verb: "decrypt" | "encrypt", text: string, password: string): Promise<string> {
    const { stdout } = await run({
      argv: [...this.ansible("ansible-vault"), verb, "--output", "-", "-"],
      cwd: this.root,
      stdin: text,
      env: { ANSIBLE_VAULT_PASSWORD: password, ANSIBLE_CONFIG: join(this.root, "ansible.cfg") },
    });
    return stdout;
  }

  /** The vault's token, as it is or made new. */
  async token(): Promise<string> {
    const plain = await this.vault("decrypt", this.read(VAULT), PLANTED.ANSIBLE_VAULT_PASSWORD);
    return /vault_k3s_token: (\w+)/.exec(plain)?.[1] ?? "";
  }

  async setVault(plain: string, password: string): Promise<void> {
    this.write(VAULT, `${await this.vault("encrypt", plain, password)}\n`, 0o600);
  }
}
