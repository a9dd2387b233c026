import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { ensureArtifacts } from "../artifacts/artifacts.ts";
import { ensureCredentials } from "../clouds/credentials.ts";
import { down } from "../lifecycle/down.ts";
import { processesIn } from "../lifecycle/processes.ts";
import { createNetwork } from "../network/create.ts";
import { placeCommand, reattachFile } from "../network/places.ts";
import { type Plan, prefix } from "../network/plan.ts";
import { sandboxId, stateFolder } from "../paths.ts";
import { startLink, startServices } from "../services/start.ts";
import { ensureTrust } from "../services/trust.ts";
import { startProviders } from "./start.ts";

const NAME = "check-providers";
const PLAN: Plan = { name: NAME, id: sandboxId(NAME), index: 14 };
const STATE = stateFolder(NAME);
const configuration = (token: string) => `
terraform {
  required_providers {
    hcloud = { source = "hetznercloud/hcloud" }
  }
}
provider "hcloud" { token = "${token}" }
data "hcloud_location" "it" { name = "fsn1" }
output "zone" { value = data.hcloud_location.it.network_zone }
`;

/**
 * The providers in the operator's place of a sandbox without servers, with OpenTofu itself and the simulator of Hetzner: node
 * sandbox/providers/providers.check.ts TOFU. Needs root; leaves nothing.
 */
const [tofu = "tofu"] = process.argv.slice(2);
const folder = mkdtempSync(join(tmpdir(), "infra-k3s-providers-"));
const log = (line: string) => void process.stdout.write(`${line}\n`);
try {
  mkdirSync(join(STATE, "logs"), { recursive: true, mode: 0o700 });
  await createNetwork(PLAN);
  writeFileSync(join(STATE, "sandbox.json"), JSON.stringify(PLAN));
  await ensureTrust(PLAN, STATE);
  await startLink(PLAN, STATE, log);
  await startServices(PLAN, STATE, await ensureArtifacts(log));
  writeFileSync(join(folder, "main.tf"), configuration(ensureCredentials(STATE).hetzner[0]?.token ?? ""));

  const first = await startProviders(PLAN, STATE, log);
  assert.equal(Object.keys(JSON.parse(first) as object).length, 4);
  assert.match(await plan(), /zone = "eu-central"/);
  log(
    "ok OpenTofu in the operator's place attaches, and the provider reaches and trusts what the sandbox calls api.hetzner.cloud",
  );

  assert.equal(await startProviders(PLAN, STATE, log), first);
  log("ok a second start finds them running");

  for (const pid of processesIn(`${prefix(PLAN)}/providers`)) process.kill(pid, "SIGKILL");
  const again = await startProviders(PLAN, STATE, log);
  assert.notEqual(again, first);
  assert.equal(readFileSync(reattachFile(STATE), "utf8"), again);
  assert.match(await plan(), /zone = "eu-central"/);
  log("ok killed, they are started again, and OpenTofu finds them");
} finally {
  await down(NAME);
  rmSync(folder, { recursive: true, force: true });
}
assert.deepEqual(processesIn(prefix(PLAN)), []);
log("ok nothing is left");

async function plan(): Promise<string> {
  const [file, ...args] = placeCommand(PLAN, "operator", STATE);
  const { all } = await execa(file, [...args, tofu, "plan", "-no-color", "-input=false"], {
    cwd: folder,
    all: true,
    reject: false,
    env: { TF_CLI_CONFIG_FILE: "/dev/null" },
  });
  return all;
}
