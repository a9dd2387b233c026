import assert from "node:assert/strict";
import { cpSync, existsSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { reattachFile } from "../../sandbox/network/places.ts";
import { loadCluster } from "../../src/config/load.ts";
import type { ClusterModel, Servers } from "../../src/config/model.ts";
import { renderTfvars } from "../../src/render/tfvars.ts";
import { StateLocked } from "../../src/tools/tofu/messages.ts";
import * as door from "../../src/tools/tofu/stack.ts";
import { type Case, command, type Outcome } from "./harness.ts";
import { caches, clone, cluster, must, work } from "./place.ts";

const PASSPHRASE = "CANARY-passphrase-of-32-characters";

/** No provider that would ask for more is ever reached. */
const CREDENTIALS = Object.fromEntries(
  ["hcloud_token", "vultr_api_key", "aws_access_key_id", "aws_secret_access_key", "cloudflare_api_token"].map(
    (name) => [`TF_VAR_${name}`, "none"],
  ),
);

/** The program the sandbox's mirror publishes. */
function program(): string {
  const [found] = globSync(join(caches, "infra-k3s/artifacts/tofu-*/tofu"));
  assert.ok(found, "the sandbox has made no tofu");
  return found;
}

export function tofu(folder: string, args: readonly string[], reattach = ""): Promise<Outcome> {
  return command([program(), `-chdir=${folder}`, ...args], {
    env: {
      TF_REATTACH_PROVIDERS: reattach,
      TF_CLI_CONFIG_FILE: "/dev/null",
      TF_VAR_state_passphrase: PASSPHRASE,
      ...CREDENTIALS,
    },
  });
}

/** A stack of what OpenTofu has built in, whose state is a file. */
const STACK = `
variable "state_passphrase" { sensitive = true }
variable "size" { default = "small" }
terraform {
  backend "local" { path = "stack.tfstate" }
  encryption {
    key_provider "pbkdf2" "passphrase" {
      passphrase = var.state_passphrase
      iterations = 200000
    }
    method "aes_gcm" "passphrase" { keys = key_provider.pbkdf2.passphrase }
    state { method = method.aes_gcm.passphrase }
    plan { method = method.aes_gcm.passphrase }
  }
}
resource "terraform_data" "server" { input = var.size }
resource "terraform_data" "token" { input = var.state_passphrase }
resource "terraform_data" "slow" {
  provisioner "local-exec" { command = "while [ -e ../../../hold ]; do sleep 0.1; done" }
}
output "server" { value = terraform_data.server.output }
`;

/** The door to OpenTofu, and the shipped HCL by itself: nothing here reaches a cloud. */
export const openTofu: readonly Case[] = [
  {
    name: "OpenTofu plans, applies exactly that, tells outputs, and names who holds a lock",
    async run() {
      const root = join(work, "door");
      const stack: door.Stack = {
        tofu: program(),
        root,
        name: "hetzner",
        secrets: { TF_VAR_state_passphrase: PASSPHRASE },
        logFile: join(root, "log"),
      };
      mkdirSync(door.stackFolder(stack), { recursive: true });
      writeFileSync(join(door.stackFolder(stack), "main.tf"), STACK);
      await door.init(stack);
      assert.deepEqual(await door.stateList(stack), []);

      const first = await door.plan(stack);
      assert.deepEqual(
        first.changes.map(({ address, action }) => `${action} ${address}`).toSorted(),
        ["server", "slow", "token"].map((name) => `create terraform_data.${name}`),
      );
      assert.ok(!JSON.stringify(first).includes(PASSPHRASE), "a sensitive value in the plan");

      const old = join(root, "old-plan");
      cpSync(first.file, old);
      writeFileSync(join(root, "hold"), "");
      const told: string[] = [];
      const applying = door.apply(stack, first, ({ address, state }) => told.push(`${address} ${state}`));
      while (!told.includes("terraform_data.slow start")) await sleep(50);
      await assert.rejects(door.plan(stack), (error: unknown) => {
        assert.ok(error instanceof StateLocked, String(error));
        assert.match(error.lock.id, /^[0-9a-f-]{36}$/);
        assert.match(error.lock.who, /@/);
        return true;
      });
      rmSync(join(root, "hold"));
      await applying;
      assert.ok(told.includes("terraform_data.server done"));

      assert.deepEqual(await door.outputs(stack), { server: "small" });
      assert.equal((await door.stateList(stack)).length, 3);
      assert.equal((await door.plan(stack)).empty, true);
      await assert.rejects(door.apply(stack, { file: old }), /stale/);
      for (const path of ["log", ".infra-k3s/plans/hetzner", "tofu/stacks/hetzner/stack.tfstate"]) {
        assert.ok(!readFileSync(join(root, path)).includes(PASSPHRASE), `${path} has the passphrase`);
      }
    },
  },
  {
    name: "the shipped HCL is formatted as OpenTofu does",
    async run() {
      await must(tofu(join(clone, "tofu"), ["fmt", "-check", "-diff", "-recursive"]));
    },
  },
  {
    name: "stacks and modules are valid, their tests and each README's example pass, and rendered data fits",
    async run() {
      const folder = join(work, "hcl");
      cpSync(join(clone, "tofu"), folder, { recursive: true });
      const modules = globSync("modules/*", { cwd: folder });
      assert.equal(modules.length, 7);
      const examples = modules.map((module) => writeExample(folder, module));
      const reattach = readFileSync(reattachFile(join(cluster, "..")), "utf8");
      for (const one of [...globSync("stacks/*", { cwd: folder }), ...modules, ...examples]) {
        await must(tofu(join(folder, one), ["init", "-backend=false", "-input=false"], reattach));
        await must(tofu(join(folder, one), ["validate"], reattach));
        if (!existsSync(join(folder, one, "tests"))) continue;
        await passes(join(folder, one), reattach);
      }
      for (const [path, tfvars] of renderTfvars(model(), SERVERS)) {
        const stack = join(folder, dirname(path.replace(/^tofu\//, "")));
        writeFileSync(join(stack, basename(path)), tfvars);
        writeFileSync(join(stack, "tests/main.tftest.hcl"), `${mocksOf(stack)}\nrun "rendered" {}\n`);
        await passes(stack, reattach);
      }
    },
  },
];

export async function passes(folder: string, reattach: string): Promise<void> {
  const { all } = await must(tofu(folder, ["test", "-no-color"], reattach));
  assert.match(all, /Success! [1-9]\d* passed, 0 failed/);
}

/** A cluster as `cluster.yaml` has it, so that what is rendered of it is shown to fit the stacks. */
function model(): ClusterModel {
  const example = readFileSync(join(clone, "examples/three-clouds/cluster.yaml"), "utf8");
  const loaded = loadCluster(`ssh: { publicKey: ssh-ed25519 AAAA me }\n${example}`, "cluster.yaml");
  assert.ok(loaded.ok, JSON.stringify(loaded));
  return loaded.value;
}

const SERVERS: Servers = {
  "vultr-1": { publicIp: "192.0.2.1", publicIpv6: null, sshUser: "admin", sshHostKey: "ssh-ed25519 AAAA" },
};

/** The providers that a module's or a stack's tests put in the place of the real ones. */
export function mocksOf(folder: string): string {
  const text = readFileSync(join(folder, "tests/main.tftest.hcl"), "utf8");
  return /^(mock_provider[^]*?\n}\n)?/.exec(text)?.[0] ?? "";
}

/** The HCL of a module's README as a configuration of its own, to be applied with the module's mocked provider. */
function writeExample(folder: string, module: string): string {
  const example = join("examples", basename(module));
  const [, text] = /```hcl\n([^]*?)```/.exec(readFileSync(join(folder, module, "README.md"), "utf8")) ?? [];
  assert.ok(text, `${module}/README.md has no example`);
  mkdirSync(join(folder, example, "tests"), { recursive: true });
  writeFileSync(join(folder, example, "main.tf"), text);
  cpSync(join(folder, module, "versions.tf"), join(folder, example, "versions.tf"));
  const test = `${mocksOf(join(folder, module))}\nrun "example" {}\n`;
  writeFileSync(join(folder, example, "tests/example.tftest.hcl"), test);
  return example;
}
