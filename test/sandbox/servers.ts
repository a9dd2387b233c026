import assert from "node:assert/strict";
import { existsSync, globSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import { awsStore } from "../../sandbox/clouds/aws/api.ts";
import * as aws from "../../sandbox/clouds/aws/state.ts";
import { cloudflareStore } from "../../sandbox/clouds/cloudflare/api.ts";
import * as cloudflare from "../../sandbox/clouds/cloudflare/state.ts";
import { hetznerStore } from "../../sandbox/clouds/hetzner/api.ts";
import * as hetzner from "../../sandbox/clouds/hetzner/state.ts";
import { vultrStore } from "../../sandbox/clouds/vultr/api.ts";
import * as vultr from "../../sandbox/clouds/vultr/state.ts";
import { type FaultRequest, faultsFile, setFaults } from "../../sandbox/services/faults.ts";
import { stopServer } from "../../sandbox/hosts/server.ts";
import type { Orphans } from "../../src/commands/orphans.ts";
import type { Plan } from "../../src/commands/plan.ts";
import type { Case } from "./harness.ts";
import { at, caches, cluster, done, infra, must, readPlan, withFile, work } from "./place.ts";

const STATE = join(cluster, "..");
const FOLDER = join(STATE, "clouds");
const FILE = join(cluster, "cluster.yaml");
const STACKS = ["hetzner", "vultr", "aws", "cloudflare"] as const;

/** What the vendors bill, in all. */
function billed() {
  return {
    hetzner: hetzner.billed(hetznerStore(FOLDER).read()),
    vultr: vultr.billed(vultrStore(FOLDER).read()),
    aws: aws.billed(awsStore(FOLDER).read()),
    cloudflare: cloudflare.billed(cloudflareStore(FOLDER).read()),
  };
}

async function plan(): Promise<Plan & { exitCode: number }> {
  const { exitCode, stdout, all } = await infra(["plan", "--until", "dns", "--json"]);
  assert.ok(stdout.startsWith("{"), all);
  return { ...(JSON.parse(stdout) as Plan), exitCode: exitCode ?? -1 };
}

/** A stack as a person without infra-k3s uses it. */
function stockTofu(stack: string, args: string) {
  const [program = "false"] = globSync(join(caches, "infra-k3s/tools/tofu-*/tofu"));
  const load = `cd '${cluster}' && set -a && . ./.envrc.local && AWS_ACCESS_KEY_ID=$TF_VAR_state_access_key_id AWS_SECRET_ACCESS_KEY=$TF_VAR_state_secret_access_key`;
  return at("operator", `${load} && cd tofu/stacks/${stack} && '${program}' ${args} -no-color -input=false`);
}

const limit = (instanceLimit: number) => vultrStore(FOLDER).change((account) => Object.assign(account, { instanceLimit })); // prettier-ignore

const groups = () => vultrStore(FOLDER).read().firewalls.length;

/** Every text that can be got out of bytes: as they are, and out of base64 and gzip within, as deep as it goes. */
function unpacked(bytes: Buffer, depth = 3): string {
  const text = bytes.toString("latin1");
  if (depth === 0) return text;
  const inner = [...text.matchAll(/[A-Za-z0-9+/_-]{40,}={0,2}/g)].map(([found]) =>
    Buffer.from(found, "base64"),
  );
  const packed = bytes[0] === 0x1f && bytes[1] === 0x8b ? [gunzipSync(bytes)] : [];
  return [text, ...[...inner, ...packed].map((one) => unpacked(one, depth - 1))].join("\n");
}

/** Each call by which a worker comes to be, and its names. */
const CREATES: readonly FaultRequest[] = [
  { host: "api.hetzner.cloud", method: "POST", path: "/firewalls$" },
  { host: "api.hetzner.cloud", method: "POST", path: "/servers$" },
  { host: "api.vultr.com", method: "POST", path: "/firewalls$" },
  { host: "api.vultr.com", method: "POST", path: "/rules$" },
  { host: "api.vultr.com", method: "POST", path: "/instances$" },
  ...["ImportKeyPair", "CreateSecurityGroup", "AuthorizeSecurityGroupIngress", "RunInstances"].map(
    (action) => ({
      host: "ec2.eu-central-1.amazonaws.com",
      path: `Action=${action}`,
    }),
  ),
  { host: "api.cloudflare.com", method: "POST", path: "/dns_records$" },
];

const FAULTS: Readonly<Record<string, Partial<FaultRequest>>> = {
  "429": { status: 429, headers: { "retry-after": "1" }, body: "slow down" },
  "lost reply": { lostReply: true },
  "truncated body": { truncateAt: 10 },
  "500": { status: 500, body: "it broke" },
  "502": { status: 502, body: "<html>bad gateway</html>" },
  hang: { delayMs: 10_000, status: 504 },
};
/** What is hardest to get right: the thing is made, and nobody was told. */
const HARDEST = "lost reply";

/** Servers, records and buckets, and no cluster on them. */
const UP = ["up", "--until", "dns"];

export const bare: readonly Case[] = [
  {
    name: "servers: plan names what is to be made, up makes it, and names are served",
    async run() {
      await must(infra(["sandbox", "up", "--bare"]));
      const named = await plan();
      const up = done(await must(infra([...UP, "--json"])));
      const after = await plan();

      assert.equal(named.exitCode, 2);
      assert.deepEqual([up.ok, after.exitCode, after.changes], [true, 0, []]);
      for (const node of ["hetzner-1", "vultr-1", "aws-1"])
        assert.equal((await must(infra(["ssh", node, "hostname"]))).stdout.trim(), node);
    },
  },
];

/** Servers that OpenTofu makes, as they are seen at the vendors'. */
export const servers: readonly Case[] = [
  {
    name: "servers: each billed thing once; names lead to the ingress nodes; stock tofu plans nothing, and no lock file is there",
    async run() {
      const served = (await must(at("internet", "getent ahosts echo.example.com"))).stdout;
      const known = JSON.parse(readFileSync(join(cluster, "servers.json"), "utf8")) as Record<string, Record<string, string>>; // prettier-ignore
      const plans = [];
      for (const stack of STACKS) {
        await must(stockTofu(stack, "init"));
        plans.push([stack, (await stockTofu(stack, "plan -detailed-exitcode")).exitCode]);
      }

      assert.deepEqual(billed(), {
        hetzner: { servers: 1, primaryIpv4: 1 },
        vultr: { instances: 1 },
        aws: { instances: 1, running: 1, volumes: 1, publicIpv4: 1 },
        cloudflare: { buckets: 2, tunnels: 0, records: 8, tokens: 5 },
      });
      for (const name of ["hetzner-1", "vultr-1"])
        for (const address of ["publicIp", "publicIpv6"])
          assert.ok(served.includes(known[name]?.[address] ?? "none"), `${name} ${address}: ${served}`);
      assert.ok(!served.includes(known["aws-1"]?.["publicIp"] ?? ""), "aws-1 takes nothing in");
      assert.deepEqual(
        plans,
        STACKS.map((stack) => [stack, 0]),
      );
      assert.deepEqual(globSync("tofu/stacks/*/.terraform.lock.hcl", { cwd: cluster }), []);
    },
  },
  {
    name: "servers: a record removed, ports opened and a server switched off by hand: plan names each, up repairs them all",
    async run() {
      cloudflareStore(FOLDER).change(({ records }) => records.pop());
      hetznerStore(FOLDER).change(({ firewalls }) => firewalls[0]?.rules.push({ direction: "in", protocol: "tcp", port: "8080", source_ips: ["0.0.0.0/0"], destination_ips: [], description: null })); // prettier-ignore
      vultrStore(FOLDER).change(({ firewalls }) => firewalls[0]?.rules.push({ id: 99, ip_type: "v4", protocol: "tcp", subnet: "0.0.0.0", subnet_size: 0, port: "8080", notes: "" })); // prettier-ignore
      await stopServer(readPlan(), "aws-1");
      awsStore(FOLDER).change(({ regions }) => {
        for (const region of Object.values(regions)) for (const one of region.instances) one.on = false;
      });
      const named = await plan();
      const up = done(await must(infra([...UP, "--json"])));
      const after = await plan();

      assert.equal(named.exitCode, 2);
      const told = named.changes.map(({ resource, reason }) => `${resource}: ${reason}`).join("\n");
      for (const wanted of [
        /cloudflare: module\.dns\.cloudflare_dns_record\.ingress\["[^"]+"\]: it was removed behind its back/,
        /hetzner: module\.server\["hetzner-1"\]\.hcloud_firewall\.this: was changed behind its back: rule/,
        /vultr: module\.server\["vultr-1"\]\.vultr_firewall_rule\.in\["tcp-8080-v4"\]: the rule .* was added by hand/,
        /aws: module\.server\["aws-1"\]\.aws_instance\.this: it is switched off/,
      ])
        assert.match(told, wanted);
      assert.deepEqual([up.ok, after.exitCode, after.changes], [true, 0, []]);
      await must(infra(["ssh", "aws-1", "true"]));
    },
  },
  {
    name: "servers: what would destroy a server or the backups is refused, before anything is changed, unless it is named",
    async run() {
      const text = readFileSync(FILE, "utf8");
      const edited = (from: string | RegExp, to: string) =>
        withFile(
          FILE,
          () => writeFileSync(FILE, text.replace(from, to)),
          async () => {
            assert.notEqual(readFileSync(FILE, "utf8"), text);
            return [await plan(), await infra(UP)] as const;
          },
        );
      const before = billed();
      const [moved, upMoved] = await edited("region: fsn1", "region: nbg1");
      const [, upLeft] = await edited(/  - name: aws-1\n[^]*$/, "");
      const [, upBucket] = await edited("nodes:", "backups: { bucket: other-backups }\nnodes:");
      await must(infra(["render"]));

      assert.equal(moved.exitCode, 1);
      assert.match(moved.faults[0]?.what ?? "", /hcloud_server\.this would be destroyed/);
      for (const [outcome, what] of [
        [
          upMoved,
          /module\.server\["hetzner-1"\]\.hcloud_server\.this would be destroyed.*left as it is[^]*--allow-destroy/,
        ],
        [upLeft, /module\.server\["aws-1"\]\.aws_instance\.this would be destroyed[^]*node remove aws-1/],
        [upBucket, /cloudflare_r2_bucket\.backups would be destroyed[^]*--allow-destroy/],
      ] as const) {
        assert.equal(outcome.exitCode, 1, outcome.all);
        assert.match(outcome.stderr, what);
        assert.doesNotMatch(outcome.all, /: done \(/);
      }
      assert.deepEqual(billed(), before);
    },
  },
  {
    name: "servers: state and plans, on disk and in R2, show no secret to one who unpacks and decodes; a planted one is found",
    async run() {
      const envrc = readFileSync(join(cluster, ".envrc.local"), "utf8");
      const own = [...envrc.matchAll(/^export TF_VAR_\w+='([^']+)'/gm)].map(([, value]) => value ?? "");
      const minted = cloudflareStore(FOLDER)
        .read()
        .tokens.map(({ value }) => value);
      const secrets = [...own, ...minted].filter((value) => value.length >= 20);
      assert.ok(secrets.length >= 12, String(secrets.length));
      const inR2 = globSync("*", { cwd: join(STATE, "r2/buckets/three-clouds-state") }).map((name) => join(STATE, "r2/buckets/three-clouds-state", name)); // prettier-ignore
      const onDisk = globSync([".infra-k3s/**/*", "tofu/**/*", "tofu/stacks/*/.terraform/**/*"], { cwd: cluster }).map((name) => join(cluster, name)); // prettier-ignore
      const planted = join(work, "planted");
      writeFileSync(
        planted,
        Buffer.from(`{"encrypted_data":"${gzipSync(`x ${secrets[0]}`).toString("base64")}"}`),
      );
      const finds = (file: string) => {
        const text = unpacked(readFileSync(file));
        return secrets
          .filter((secret) => text.includes(secret))
          .map((secret) => `${file}: ${secret.slice(0, 4)}…`);
      };
      const files = [...inR2, ...onDisk].filter((file) => existsSync(file) && !file.endsWith("/"));

      assert.ok(inR2.length >= 4 && onDisk.some((file) => file.endsWith("plans/hetzner")), files.join("\n"));
      assert.deepEqual(files.filter(isFile).flatMap(finds), []);
      assert.equal(finds(planted).length, 1);
      rmSync(planted);
    },
  },
  {
    name: "servers: a quota that is reached half-way is told, what was made stays, and the next up goes on; orphans names what nobody declares",
    async run() {
      const text = readFileSync(FILE, "utf8");
      const nodes = [
        "  - { name: hetzner-2, role: worker, provider: hetzner, region: fsn1, size: cx23 }\n",
        "  - { name: vultr-2, role: worker, provider: vultr, region: fra, size: vc2-2c-4gb }\n",
      ];
      const only = ["up", "--only", "servers"];
      const before = billed();
      limit(1);
      const [stopped, partial, known] = await withFile(
        FILE,
        () => writeFileSync(FILE, text + nodes.join("")),
        async () => {
          const first = await infra([...only, "--limit", "hetzner-2,vultr-2"]);
          const between = billed();
          limit(10);
          await must(infra([...only, "--limit", "hetzner-2,vultr-2"]));
          return [first, between, await infra(["orphans"])] as const;
        },
      );
      const unknown = await infra(["orphans", "--json"]);
      await must(infra([...only, "--allow-destroy", "hetzner-2", "--allow-destroy", "vultr-2"]));
      const after = await infra(["orphans"]);

      assert.equal(stopped.exitCode, 1);
      assert.match(stopped.stderr, /tofu apply of the stack vultr failed[^]*limit/i);
      assert.deepEqual([partial.hetzner["servers"], partial.vultr["instances"]], [2, 1]);
      assert.match(known.stdout, /declared, and nothing else/);
      const { things } = JSON.parse(unknown.stdout) as Orphans;
      const billable = things.filter((one) => one.state === "orphan" && one.billed).map(({ name }) => name);
      assert.deepEqual([unknown.exitCode, billable.toSorted()], [1, ["hetzner-2", "vultr-2"]]);
      assert.equal(after.exitCode, 0, after.all);
      assert.deepEqual(billed(), before);
    },
  },
  ...Object.keys(FAULTS).map((fault): Case => ({
    ...(fault === HARDEST ? {} : { full: true }),
    name: `servers: ${fault} at every call that makes something: what is declared is there, each billed thing once`,
    async run() {
      const nodes = [
        "hetzner-2, role: worker, provider: hetzner, region: fsn1, size: cx23",
        "vultr-2, role: worker, provider: vultr, region: fra, size: vc2-2c-4gb",
        "aws-2, role: worker, provider: aws, region: eu-central-1, size: t3.medium",
      ];
      const text = readFileSync(FILE, "utf8");
      const names = nodes.map((node) => node.split(",")[0] ?? "");
      const declared = `${text}${nodes.map((node) => `  - { name: ${node}, ingress: true }\n`).join("")}`;
      const only = ["up", "--only", "servers", "--limit", names.join(",")];
      const before = billed();
      const groupsBefore = groups();
      setFaults(
        faultsFile(STATE),
        CREATES.map((call) => ({ ...call, ...FAULTS[fault] })),
      );
      const declare = () => writeFileSync(FILE, declared);
      const [there, again, groupsThere] = await withFile(FILE, declare, async () => {
        await must(infra(only));
        await must(infra(["up", "--only", "dns"]));
        return [billed(), done(await must(infra([...only, "--json"]))), groups()] as const;
      });
      const left = JSON.parse(readFileSync(faultsFile(STATE), "utf8")) as { times: number; path: string }[];
      setFaults(faultsFile(STATE), []);
      await must(infra(["up", "--only", "dns"]));
      await must(infra(["up", "--only", "servers", ...names.flatMap((name) => ["--allow-destroy", name])]));

      assert.deepEqual(there, {
        hetzner: { servers: 2, primaryIpv4: 2 },
        vultr: { instances: 2 },
        aws: { instances: 2, running: 2, volumes: 2, publicIpv4: 2 },
        cloudflare: { ...before.cloudflare, records: (before.cloudflare["records"] ?? 0) + 10 },
      });
      assert.equal(again.changed, 0);
      assert.deepEqual([groupsThere, groups()], [groupsBefore + 1, groupsBefore]);
      assert.deepEqual(
        left.filter(({ times }) => times > 0).map(({ path }) => path),
        [],
        "every fault happened",
      );
      assert.deepEqual(billed(), before);
    },
  })),
];

const isFile = (path: string): boolean => {
  try {
    readFileSync(path);
    return true;
  } catch {
    return false;
  }
};

/** At the very end: what is left when it goes. */
export const ends: readonly Case[] = [
  {
    name: "destroy: exactly the backups' bucket is left, named with its cost; with --delete-backups nothing is",
    async run() {
      const wrong = await infra(["destroy", "--yes", "--delete-backups", "other"]);
      const kept = await must(infra(["destroy", "--yes"]));
      const between = billed();
      const gone = await must(infra(["destroy", "--yes", "--delete-backups", "three-clouds-backups"]));

      assert.equal(wrong.exitCode, 64);
      assert.match(
        kept.stderr,
        /three-clouds-backups is kept with the backups: \d+ objects, [\d.]+ GB, [\d.]+ USD a month/,
      );
      const none = {
        hetzner: { servers: 0, primaryIpv4: 0 },
        vultr: { instances: 0 },
        aws: { instances: 0, running: 0, volumes: 0, publicIpv4: 0 },
      };
      assert.deepEqual(between, { ...none, cloudflare: { buckets: 1, tunnels: 0, records: 0, tokens: 0 } });
      assert.match(gone.stderr, /three-clouds-backups is deleted/);
      assert.deepEqual(billed(), { ...none, cloudflare: { buckets: 0, tunnels: 0, records: 0, tokens: 0 } });
    },
  },
];
