import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { cpSync, existsSync, globSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cloudflareStore } from "../../sandbox/clouds/cloudflare/api.ts";
import { PERMISSION_GROUPS } from "../../sandbox/clouds/cloudflare/permissions.ts";
import { sign } from "../../sandbox/clouds/sigv4.ts";
import * as cloudflare from "../../sandbox/clouds/cloudflare/state.ts";
import { credentialsStore } from "../../sandbox/clouds/credentials.ts";
import { hetznerStore } from "../../sandbox/clouds/hetzner/api.ts";
import { billed } from "../../sandbox/clouds/hetzner/state.ts";
import { setFaults } from "../../sandbox/services/faults.ts";
import { type Case, command } from "./harness.ts";
import { at, caches, clone, cluster, must, work } from "./place.ts";

interface Key {
  access_key_id: string;
  secret_access_key: string;
}

export const STATE = join(cluster, "..");
const NODE = "hetzner-2";
/** A key of its own: Hetzner takes the same one only once, and the cluster has the operator's. */
const KEY = join(work, "own-key");

export async function ownPublicKey(): Promise<string> {
  if (!existsSync(KEY)) await must(command(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", KEY]));
  return readFileSync(`${KEY}.pub`, "utf8").trim();
}

const project = () => hetznerStore(join(STATE, "clouds")).read();

/** The shipped module with a state that is a file. */
const ROOT = `
terraform {
  required_providers { hcloud = { source = "hetznercloud/hcloud" } }
}
variable "token" { sensitive = true }
variable "key" {}
provider "hcloud" { token = var.token }
resource "hcloud_ssh_key" "admin" {
  name       = "demo"
  public_key = var.key
}
module "server" {
  source         = "./tofu/modules/hetzner-server"
  cluster        = "demo"
  name           = "${NODE}"
  region         = "fsn1"
  size           = "cx23"
  ssh_public_key = var.key
  ssh_key_id     = hcloud_ssh_key.admin.id
}
output "server" { value = module.server.server }
`;

export function tofu(folder: string, ...args: string[]) {
  const [program = "false"] = globSync(join(caches, "infra-k3s/artifacts/tofu-*/tofu"));
  const environment = "[ ! -e environment ] || . ./environment";
  return at("operator", `cd '${folder}' && { ${environment}; } && '${program}' ${args.join(" ")} -no-color`);
}

export const ssh = (address: string, script: string) =>
  at(
    "operator",
    `ssh -i '${KEY}' -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o BatchMode=yes -o ConnectTimeout=2 admin@${address} '${script}'`,
  );

/** Whether a port of an address answers the client outside. */
export const answers = async (address: string, port: number) =>
  (await at("internet", `timeout 2 bash -c '</dev/tcp/${address}/${port}'`)).exitCode === 0;

/** The shipped HCL with the stand-in providers against the simulated vendors: servers that one can enter. */
export const clouds: readonly Case[] = [
  {
    full: true,
    name: "Hetzner by OpenTofu: a server its user enters, behind its firewall; the second plan is empty; destroyed, nothing is billed",
    async run() {
      const folder = join(work, "hetzner");
      mkdirSync(folder, { mode: 0o700 });
      cpSync(join(clone, "tofu"), join(folder, "tofu"), { recursive: true });
      writeFileSync(join(folder, "main.tf"), ROOT);
      const values = {
        token: credentialsStore(STATE).read().hetzner[0]?.token,
        key: await ownPublicKey(),
      };
      writeFileSync(join(folder, "terraform.tfvars.json"), JSON.stringify(values), { mode: 0o600 });

      await must(tofu(folder, "init"));
      // Hetzner is out of breath: the vendor's own SDK waits and asks again.
      const slowDown = { status: 429, headers: { "retry-after": "1", "content-type": "application/json" }, body: '{"error":{"code":"rate_limit_exceeded","message":"limit"}}' }; // prettier-ignore
      setFaults(join(STATE, "faults.json"), [
        { host: "api.hetzner.cloud", method: "POST", path: "/servers$", ...slowDown },
      ]);
      await must(tofu(folder, "apply", "-auto-approve"));
      const again = await tofu(folder, "plan", "-detailed-exitcode");
      const { publicIp, publicIpv6 } = JSON.parse(
        (await must(tofu(folder, "output", "-json", "server"))).stdout,
      ) as Record<"publicIp" | "publicIpv6", string>;
      let entered = await ssh(publicIp, "sudo -n id -un && hostname");
      for (let tries = 0; tries < 60 && entered.exitCode !== 0; tries++) {
        entered = await ssh(publicIp, "sudo -n id -un && hostname");
      }
      await must(ssh(publicIp, "sudo systemd-run --quiet python3 -m http.server --bind :: 8000; sleep 2"));
      const reached = await Promise.all([
        answers(publicIp, 22),
        answers(publicIpv6, 22),
        answers(publicIp, 8000),
        answers(publicIpv6, 8000),
      ]);
      const during = billed(project());
      const own = [project().firewalls.length, project().sshKeys.length];
      // The firewall's own rule, taken away by hand, is missed.
      hetznerStore(join(STATE, "clouds")).change(({ firewalls }) => firewalls.at(-1)?.rules.pop());
      const drifted = await tofu(folder, "plan", "-detailed-exitcode");
      await must(tofu(folder, "destroy", "-auto-approve"));

      assert.equal(again.exitCode, 0, again.all);
      assert.deepEqual(entered.stdout.trim().split("\n"), ["root", NODE]);
      assert.deepEqual(reached, [true, true, false, false]);
      assert.deepEqual(during, { servers: 2, primaryIpv4: 2 });
      assert.equal(drifted.exitCode, 2, drifted.all);
      // The cluster's own are left.
      assert.deepEqual(billed(project()), { servers: 1, primaryIpv4: 1 });
      assert.deepEqual([own, project().firewalls.length, project().sshKeys.length], [[2, 2], 1, 1]);
      assert.notEqual((await at(NODE, "true")).exitCode, 0, "the host is gone");
    },
  },
  {
    name: "Cloudflare by OpenTofu: DNS, a bucket with a lock and a token for each use; the state lies in R2 and can't be read",
    async run() {
      const account = () => cloudflareStore(join(STATE, "clouds")).read();
      const { id, zones, tokens } = account();
      const before = cloudflare.billed(account());
      const added = () =>
        Object.fromEntries(
          Object.entries(cloudflare.billed(account())).map(([what, count]) => [
            what,
            count - (before[what] ?? 0),
          ]),
        );
      const [operator] = tokens;
      const folder = join(work, "cloudflare/stacks/cloudflare");
      cpSync(join(clone, "tofu"), join(work, "cloudflare"), { recursive: true });
      const header = join(work, "cloudflare/header");
      writeFileSync(header, `Authorization: Bearer ${operator?.value}`, { mode: 0o600 });
      const api = async (path: string, body: unknown) => {
        const file = join(work, "cloudflare/body");
        writeFileSync(file, JSON.stringify(body));
        const url = `https://api.cloudflare.com/client/v4/accounts/${id}/${path}`;
        return JSON.parse((await must(at("operator", `curl -sS -H '@${header}' -d '@${file}' ${url}`))).stdout) as { result: { id: string; value: string } }; // prettier-ignore
      };
      const endpoint = `https://${id}.r2.cloudflarestorage.com`;
      const s3 = async (
        { access_key_id, secret_access_key }: Key,
        method: string,
        url: string,
        more: { content?: string; headers?: Record<string, string> } = {},
      ) => {
        const headers = {
          host: new URL(endpoint).host,
          "x-amz-content-sha256": "UNSIGNED-PAYLOAD",
          ...more.headers,
        };
        const key = { id: access_key_id, secret: secret_access_key };
        const signed = sign({ method, url, headers }, key, "auto", new Date());
        const file = join(work, "cloudflare/headers");
        writeFileSync(file, Object.entries(signed).map(([name, value]) => `${name}: ${String(value)}\n`).join("")); // prettier-ignore
        const data = more.content === undefined ? "" : `-d '${more.content}'`;
        const curl = `curl -sS -w ' %{http_code}' -X ${method} -H '@${file}' ${data} '${endpoint}${url}'`;
        return (await must(at("operator", curl))).stdout;
      };

      await api("r2/buckets", { name: "demo-state" });
      const write = PERMISSION_GROUPS.find(({ name }) => name === "Workers R2 Storage Bucket Item Write");
      const { result: state } = await api("tokens", {
        name: "state",
        policies: [
          {
            effect: "allow",
            permission_groups: [{ id: write?.id }],
            resources: { [`com.cloudflare.edge.r2.bucket.${id}_default_demo-state`]: "*" },
          },
        ],
      });
      const stateKey = {
        access_key_id: state.id,
        secret_access_key: createHash("sha256").update(state.value).digest("hex"),
      };
      const passphrase = "CANARY-passphrase-of-32-characters";
      const environment = {
        AWS_ACCESS_KEY_ID: stateKey.access_key_id,
        AWS_SECRET_ACCESS_KEY: stateKey.secret_access_key,
        TF_VAR_state_passphrase: passphrase,
        TF_VAR_cloudflare_api_token: operator?.value,
      };
      const lines = Object.entries(environment).map(([name, value]) => `export ${name}='${value}'\n`);
      writeFileSync(join(folder, "environment"), lines.join(""), { mode: 0o600 });
      const ingress = { "aws-1": { ipv4: "198.51.100.7", ipv6: "2001:db8:ffff::7" } };
      const tfvars = { cluster: "demo", account_id: id, zone: zones[0]?.name, domain: `app.${zones[0]?.name}`, ingress, backup_bucket: "demo-backups", backup_lock_days: 1, protect_backups: false, state: { bucket: "demo-state", endpoint } }; // prettier-ignore
      writeFileSync(join(folder, "cluster.auto.tfvars.json"), JSON.stringify(tfvars));

      await must(tofu(folder, "init"));
      await must(tofu(folder, "apply", "-auto-approve"));
      const again = await tofu(folder, "plan", "-detailed-exitcode");
      const served = await at("internet", `getent ahosts echo.app.${zones[0]?.name}`);
      const made = added();
      const names = account()
        .records.filter(({ name }) => name.endsWith(`app.${zones[0]?.name}`))
        .map(({ type, name }) => `${type} ${name}`);
      const backup = JSON.parse((await must(tofu(folder, "output", "-json", "r2_backup_key"))).stdout) as Key;
      const dns01 = JSON.parse((await must(tofu(folder, "output", "-json", "dns01_token"))).stdout) as string;
      const stored = readFileSync(join(STATE, "r2/buckets/demo-state/cloudflare.tfstate"), "utf8");
      const object = "/demo-backups/etcd/one";
      const put = await s3(backup, "PUT", object, { content: "content" });
      const said = {
        get: await s3(backup, "GET", object),
        overLocked: await s3(backup, "PUT", object, { content: "other" }),
        deleteLocked: await s3(backup, "DELETE", object),
        otherBucket: await s3(backup, "GET", "/demo-state/cloudflare.tfstate"),
        trailer: await s3(backup, "PUT", "/demo-backups/a", { headers: { "x-amz-trailer": "x-amz-checksum-crc32" } }), // prettier-ignore
        acl: await s3(backup, "GET", "/demo-backups/?acl="),
        wrongKey: await s3({ ...backup, secret_access_key: "wrong" }, "GET", object),
      };
      // By hand: a record is gone.
      cloudflareStore(join(STATE, "clouds")).change((one) => one.records.pop());
      const drifted = await tofu(folder, "plan", "-detailed-exitcode");
      cloudflareStore(join(STATE, "clouds")).change(({ buckets }) => {
        for (const bucket of buckets) if (bucket.name.startsWith("demo-")) bucket.lock = [];
      });
      await s3(backup, "DELETE", object);
      await must(tofu(folder, "destroy", "-auto-approve"));
      const left = added();
      cloudflareStore(join(STATE, "clouds")).change((one) => {
        one.buckets = one.buckets.filter(({ name }) => !name.startsWith("demo-"));
        one.tokens = one.tokens.filter(({ name }) => name !== "state");
      });

      assert.equal(again.exitCode, 0, again.all);
      for (const address of Object.values(ingress["aws-1"]))
        assert.ok(served.stdout.includes(address), served.all);
      assert.deepEqual(made, { buckets: 2, tunnels: 0, records: 4, tokens: 5 });
      assert.deepEqual(new Set(names), new Set(["app", "*.app"].flatMap((name) => ["A", "AAAA"].map((type) => `${type} ${name}.${zones[0]?.name}`)))); // prettier-ignore
      assert.match(stored, /"encrypted_data"/);
      for (const secret of [passphrase, dns01, backup.secret_access_key, "cloudflare_dns_record"])
        assert.ok(!stored.includes(secret), "the state can be read");
      assert.match(put, / 200$/);
      assert.equal(said.get, "content 200");
      assert.match(said.overLocked, /ObjectLockedByBucketPolicy.* 403$/);
      assert.match(said.deleteLocked, /ObjectLockedByBucketPolicy.* 403$/);
      assert.match(said.otherBucket, /AccessDenied.* 403$/);
      assert.match(said.trailer, /NotImplemented.* 501$/);
      assert.match(said.acl, /NotImplemented.* 501$/);
      assert.match(said.wrongKey, /SignatureDoesNotMatch.* 403$/);
      assert.equal(drifted.exitCode, 2, drifted.all);
      assert.deepEqual(left, { buckets: 1, tunnels: 0, records: 0, tokens: 1 }, "the state's own are left");
    },
  },
];
