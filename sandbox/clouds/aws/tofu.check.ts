import assert from "node:assert/strict";
import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { placeCommand } from "../../network/places.ts";
import { faultsFile, readFaults, setFaults } from "../../services/faults.ts";
import { type AwsKey, ensureCredentials } from "../credentials.ts";
import { awsStore } from "./api.ts";
import { folder, key, PLAN, say, ssh, STATE, until } from "./place.check.ts";
import { billed } from "./state.ts";

const account = () => awsStore(join(STATE, "clouds")).read();

const root = (credentials: AwsKey | undefined, publicKey: string) => `
terraform {
  required_providers { aws = { source = "hashicorp/aws" } }
}
provider "aws" {
  region     = "eu-central-1"
  access_key = "${credentials?.accessKeyId}"
  secret_key = "${credentials?.secretAccessKey}"
}
module "server" {
  source         = "./tofu/modules/aws-server"
  cluster        = "demo"
  name           = "aws-2"
  region         = "eu-central-1"
  size           = "t3.medium"
  ssh_public_key = "${publicKey}"
}
output "server" { value = module.server.server }
`;

/** The shipped module by OpenTofu and the stand-in provider, which goes through AWS's SDK for Go. */
export async function byTofu(program: string): Promise<void> {
  cpSync(join(import.meta.dirname, "../../../tofu"), join(folder, "tofu"), { recursive: true });
  const [credentials] = ensureCredentials(STATE).aws ?? [];
  writeFileSync(join(folder, "main.tf"), root(credentials, readFileSync(`${key}.pub`, "utf8").trim()));
  const tofu = async (...args: string[]) => {
    const [file, ...place] = placeCommand(PLAN, "operator", STATE);
    const result = await execa(file, [...place, program, ...args, "-no-color"], {
      cwd: folder,
      all: true,
      reject: false,
      env: { TF_CLI_CONFIG_FILE: "/dev/null" },
    });
    assert.notEqual(result.exitCode, 1, result.all);
    return result;
  };
  await tofu("init");
  // The server is made, but its answer is lost: the SDK asks again with the same token.
  setFaults(faultsFile(STATE), [
    { host: "ec2.eu-central-1.amazonaws.com", path: "Action=RunInstances$", lostReply: true },
  ]);
  await tofu("apply", "-auto-approve");
  const { publicIp } = JSON.parse((await tofu("output", "-json", "server")).stdout) as { publicIp: string };
  assert.deepEqual([billed(account())["instances"], readFaults(faultsFile(STATE))[0]?.times], [1, 0]);
  await until(async () => (await ssh(publicIp, "sudo id -un; hostname")) === "root\naws-2");
  assert.equal((await tofu("plan", "-detailed-exitcode")).exitCode, 0);
  say("ok OpenTofu makes one server, although an answer is lost, and its second plan is empty");
  awsStore(join(STATE, "clouds")).change(({ regions }) =>
    regions["eu-central-1"]?.groups.at(-1)?.rules.pop(),
  );
  assert.equal((await tofu("plan", "-detailed-exitcode")).exitCode, 2);
  await tofu("destroy", "-auto-approve");
  assert.deepEqual(new Set(Object.values(billed(account()))), new Set([0]));
  const { groups = [], keys = [] } = account().regions["eu-central-1"] ?? {};
  assert.deepEqual([groups.map(({ name }) => name), keys.map(({ name }) => name)], [["default"], ["k"]]);
  say("ok a rule taken away by hand is missed; destroyed, nothing is left or billed");
}
