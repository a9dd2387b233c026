import assert from "node:assert/strict";
import { cpSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { credentialsStore } from "../../sandbox/clouds/credentials.ts";
import { vultrStore } from "../../sandbox/clouds/vultr/api.ts";
import { billed } from "../../sandbox/clouds/vultr/state.ts";
import { setFaults } from "../../sandbox/services/faults.ts";
import { answers, ownPublicKey, ssh, STATE, tofu } from "./clouds.ts";
import type { Case } from "./harness.ts";
import { at, clone, must, work } from "./place.ts";

const NODE = "vultr-2";
const store = () => vultrStore(join(STATE, "clouds"));

/** The shipped module with a state that is a file. */
const ROOT = `
terraform {
  required_providers { vultr = { source = "vultr/vultr" } }
}
variable "key" { sensitive = true }
variable "public_key" {}
provider "vultr" {
  api_key     = var.key
  rate_limit  = 100
  retry_limit = 5
}
resource "vultr_ssh_key" "admin" {
  name    = "demo"
  ssh_key = var.public_key
}
module "server" {
  source         = "./tofu/modules/vultr-server"
  cluster        = "demo"
  name           = "${NODE}"
  region         = "fra"
  size           = "vc2-1c-1gb"
  ssh_public_key = var.public_key
  ssh_key_id     = vultr_ssh_key.admin.id
}
output "server" { value = module.server.server }
`;

export const vultr: readonly Case[] = [
  {
    full: true,
    name: "Vultr by OpenTofu: a server its user enters, behind its firewall; the second plan is empty; destroyed, nothing is billed",
    async run() {
      const folder = join(work, "vultr");
      mkdirSync(folder, { mode: 0o700 });
      cpSync(join(clone, "tofu"), join(folder, "tofu"), { recursive: true });
      writeFileSync(join(folder, "main.tf"), ROOT);
      const values = {
        key: credentialsStore(STATE).read().vultr?.[0]?.key,
        public_key: await ownPublicKey(),
      };
      writeFileSync(join(folder, "terraform.tfvars.json"), JSON.stringify(values), { mode: 0o600 });

      await must(tofu(folder, "init"));
      const slowDown = { status: 429, headers: { "retry-after": "1" }, body: '{"error":"Too Many Requests","status":429}' }; // prettier-ignore
      setFaults(join(STATE, "faults.json"), [
        { host: "api.vultr.com", method: "POST", path: "/instances$", ...slowDown },
      ]);
      await must(tofu(folder, "apply", "-auto-approve"));
      const again = await tofu(folder, "plan", "-detailed-exitcode");
      const { publicIp, publicIpv6 } = JSON.parse(
        (await must(tofu(folder, "output", "-json", "server"))).stdout,
      ) as Record<"publicIp" | "publicIpv6", string>;
      const enter = () => ssh(publicIp, "sudo -n id -un && hostname");
      let entered = await enter();
      for (let tries = 0; tries < 60 && entered.exitCode !== 0; tries++) entered = await enter();
      await must(ssh(publicIp, "sudo systemd-run --quiet python3 -m http.server --bind :: 8000; sleep 2"));
      const reached = await Promise.all([
        answers(publicIp, 22),
        answers(publicIpv6, 22),
        answers(publicIp, 8000),
        answers(publicIpv6, 8000),
      ]);
      const during = store().read();
      // A rule, taken away by hand, is missed.
      store().change(({ firewalls }) => firewalls.at(-1)?.rules.pop());
      const drifted = await tofu(folder, "plan", "-detailed-exitcode");
      await must(tofu(folder, "destroy", "-auto-approve"));
      const left = store().read();

      assert.equal(again.exitCode, 0, again.all);
      assert.deepEqual(entered.stdout.trim().split("\n"), ["root", NODE]);
      assert.deepEqual(reached, [true, true, false, false]);
      assert.deepEqual(billed(during), { instances: 2 });
      assert.deepEqual(during.instances.at(-1)?.tags.toSorted(), ["infra-k3s-cluster:demo", `infra-k3s-node:${NODE}`]); // prettier-ignore
      assert.equal(drifted.exitCode, 2, drifted.all);
      // The cluster's own are left.
      assert.deepEqual([billed(left), left.firewalls.length, left.sshKeys.length], [{ instances: 1 }, 1, 1]);
      assert.notEqual((await at(NODE, "true")).exitCode, 0, "the host is gone");
    },
  },
];
