import assert from "node:assert/strict";
import { cpSync, globSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { reattachFile } from "../../sandbox/network/places.ts";
import { writeTree } from "../../src/repository/write.ts";
import { MANIFESTS } from "../../src/tools/downloads/manifests.ts";
import { topologies, topology } from "../golden/topologies.ts";
import { program } from "./gitops-manifests.ts";
import { type Case, command, type Outcome } from "./harness.ts";
import { clone, cluster, must, withFile, work } from "./place.ts";
import { ensureLinters, noVault } from "./roles.ts";
import { mocksOf, passes, tofu } from "./tofu.ts";

/** Of what yamllint knows by default, lengths and how lists are indented are a matter of taste. */
const YAMLLINT = `{extends: default, rules: {line-length: disable, document-start: disable, comments: {min-spaces-from-content: 1},
  braces: {max-spaces-inside: 1}, indentation: {indent-sequences: whatever, check-multi-line-strings: false}, truthy: {check-keys: false}}}`;

/** A golden topology as the whole folder that a user has. */
export function writeTopology(folder: string, example: string, upstream: string): void {
  const { rendered, shipped, model } = topology(example);
  mkdirSync(folder, { recursive: true });
  writeTree(folder, new Map([...shipped, ...rendered]));
  if (model.gitops === null) return;
  for (const { path } of Object.values(MANIFESTS)) cpSync(join(upstream, path), join(folder, path));
  // The Secrets are minted by `up`, and encrypted to keys that no golden has.
  for (const file of globSync("kubernetes/**/kustomization.yaml", { cwd: folder })) {
    const text = readFileSync(join(folder, file), "utf8");
    writeFileSync(join(folder, file), text.replace(/^generators:\n( +- .*\n)+/m, ""));
  }
}

/** Every playbook and the inventory by Ansible itself, all of it by its linter. */
export async function checkAnsible(folder: string, venv: string, servers: readonly string[]): Promise<void> {
  const run = (name: string, ...args: string[]) =>
    command([join(venv, "bin", name), ...args], { cwd: folder, env: noVault(venv) });
  const playbooks = globSync("ansible/playbooks/*.yml", { cwd: folder });
  assert.ok(playbooks.length > 2, playbooks.join(" "));
  await must(run("ansible-playbook", "-i", "ansible/inventory", "--syntax-check", ...playbooks));
  const { stdout } = await must(run("ansible-inventory", "-i", "ansible/inventory", "--list"));
  const { _meta } = JSON.parse(stdout) as { _meta: { hostvars: object } };
  assert.deepEqual(Object.keys(_meta.hostvars).toSorted(), [...servers].toSorted());
  // The length of a rendered line is nobody's to shorten.
  const lint = ["--nocolor", "--offline", "--profile", "production", "--skip-list", "yaml[line-length]"];
  await must(run("ansible-lint", ...lint, "ansible"));
}

export function yamllint(folder: string, venv: string): Promise<Outcome> {
  // Upstream's files are as upstream has them.
  const upstream = new Set(Object.values(MANIFESTS).map(({ path }) => path));
  const files = globSync("{.github,ansible,kubernetes}/**/*.{yml,yaml}", { cwd: folder }).filter(
    (path) => !upstream.has(path),
  );
  assert.ok(files.length > 20, `${files.length} files of YAML`);
  return command([join(venv, "bin/yamllint"), "--strict", "-f", "parsable", "-d", YAMLLINT, ...files], {
    cwd: folder,
  });
}

/** Every kustomization by the stock program; how many there are. */
export async function buildAll(folder: string, kustomize: string): Promise<number> {
  const folders = globSync("kubernetes/**/kustomization.yaml", { cwd: folder })
    // A component is a part of others.
    .filter((path) => !/^kind: Component$/m.test(readFileSync(join(folder, path), "utf8")))
    .map(dirname);
  for (const one of folders) {
    const { stdout } = await must(command([kustomize, "build", join(folder, one)]));
    assert.match(stdout, /^kind: /m, one);
  }
  return folders.length;
}

/** Every stack with what is rendered for it, its providers mocked. */
async function checkStacks(folder: string, reattach: string): Promise<number> {
  // Data is rendered for each provider, HCL shipped where there are nodes.
  const stacks = globSync("tofu/stacks/*/main.tf", { cwd: folder }).map(dirname);
  for (const stack of stacks) {
    const own = join(folder, stack);
    // Before `init`, which looks there for providers, too.
    mkdirSync(join(own, "tests"), { recursive: true });
    // `init` writes the operator's; no example has one.
    const key = stack.endsWith("cloudflare")
      ? ""
      : 'variables {\n  ssh_public_key = "ssh-ed25519 AAAA me"\n}\n';
    writeFileSync(
      join(own, "tests/main.tftest.hcl"),
      `${mocksOf(join(clone, stack))}\n${key}run "rendered" {}\n`,
    );
    await must(tofu(own, ["init", "-backend=false", "-input=false"], reattach));
    await must(tofu(own, ["validate"], reattach));
    await passes(own, reattach);
  }
  return stacks.length;
}

/** What each topology has to be checked: stacks, and kustomizations. */
const PARTS: Readonly<Record<string, readonly [stacks: number, kustomizations: number]>> = {
  everything: [4, 9],
  "existing-hosts": [0, 0],
  "nat-worker": [0, 0],
  "one-node": [0, 0],
  "three-clouds": [4, 0],
  tunnel: [2, 10],
};

/** Every golden topology, whole, by the programs that read it. */
export const goldens: readonly Case[] = [
  {
    name: "every topology passes ansible-lint, --syntax-check, yamllint, kustomize build and tofu validate; a planted fault does not",
    full: true,
    async run() {
      const venv = await ensureLinters();
      const reattach = readFileSync(reattachFile(join(cluster, "..")), "utf8");
      const seen: Record<string, [number, number]> = {};
      for (const example of topologies) {
        const folder = join(work, "topologies", example);
        writeTopology(folder, example, cluster);
        await checkAnsible(folder, venv, Object.keys(topology(example).servers));
        await must(yamllint(folder, venv));
        seen[example] = [await checkStacks(folder, reattach), await buildAll(folder, program("kustomize"))];
      }
      assert.deepEqual(seen, PARTS);
      await plantedFaults(join(work, "topologies/everything"), venv, reattach);
    },
  },
];

async function plantedFaults(folder: string, venv: string, reattach: string): Promise<void> {
  const planted = (path: string, change: (text: string) => string, check: () => Promise<unknown>) => {
    const file = join(folder, path);
    return withFile(
      file,
      () => writeFileSync(file, change(readFileSync(file, "utf8"))),
      async () => {
        await assert.rejects(check(), `nobody minds ${path}`);
      },
    );
  };
  await planted("ansible/playbooks/site.yml", (text) => text.replace("roles:", "rolls:"), () => checkAnsible(folder, venv, Object.keys(topology("everything").servers))); // prettier-ignore
  await planted("kubernetes/apps/application.yaml", (text) => `${text}kind: Again\n`, () => must(yamllint(folder, venv))); // prettier-ignore
  await planted("kubernetes/infrastructure/gateway/kustomization.yaml", (text) => text.replace("cluster.yaml\n", "gone.yaml\n"), () => buildAll(folder, program("kustomize"))); // prettier-ignore
  await planted("tofu/stacks/hetzner/cluster.auto.tfvars.json", (text) => text.replace('"size"', '"sise"'), () => checkStacks(folder, reattach)); // prettier-ignore
}
