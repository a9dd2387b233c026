import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { command, type Case } from "./harness.ts";
import { clone, must, withFile, work } from "./place.ts";

const venv = join(work, "ansible-lint");
const lint = () => command([join(venv, "bin/ansible-lint"), "--nocolor"], { cwd: clone, env: noVault(venv) });

/** ansible.cfg names a client for the vault's password; there is no vault here. */
export const noVault = (folder: string) => ({
  ANSIBLE_VAULT_PASSWORD: "none",
  PATH: `${join(folder, "bin")}:${process.env["PATH"] ?? ""}`,
});

/** ansible-lint with what it brings along, Ansible and yamllint, by the hashes that are locked for development. */
export async function ensureLinters(): Promise<string> {
  const requirements = join(clone, "ansible/requirements-dev.txt");
  await must(command(["python3", "-m", "venv", venv]));
  const install = ["install", "--quiet", "--require-hashes", "--requirement", requirements];
  await must(command([join(venv, "bin/pip"), ...install]));
  return venv;
}

/** The shipped playbooks and roles by their own linter. */
export const roles: readonly Case[] = [
  {
    name: "ansible-lint with profile production finds nothing, and finds a planted fault",
    async run() {
      await ensureLinters();
      const { exitCode, all } = await lint();
      const tasks = join(clone, "ansible/roles/base/tasks/main.yml");
      const plant = () =>
        writeFileSync(tasks, `${readFileSync(tasks, "utf8")}\n- name: planted\n  shell: "true"\n`);
      const planted = await withFile(tasks, plant, lint);

      assert.equal(exitCode, 0, all);
      assert.match(planted.all, /fqcn/);
    },
  },
];
