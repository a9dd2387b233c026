import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, globSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { cloudflareStore } from "../../sandbox/clouds/cloudflare/api.ts";
import { isRunning, startServer, stopServer } from "../../sandbox/hosts/server.ts";
import { drillName } from "../../sandbox/paths.ts";
import { sign } from "../../sandbox/clouds/sigv4.ts";
import type { BackupCreate } from "../../src/commands/backup-create.ts";
import type { Status } from "../../src/commands/status.ts";
import type { DrillResult } from "../../src/drill/result.ts";
import { commitAndPush, DOMAIN, gitopsStatus, STATE } from "./gitops-place.ts";
import { settled } from "./gitops-guards.ts";
import { type Case, eventually } from "./harness.ts";
import { status } from "./main-job.ts";
import { at, cluster, infra, killed, must, readPlan, work } from "./place.ts";
import { bucketPath } from "./velero-bucket.ts";

const HOSTS = ["hetzner-1", "vultr-1", "aws-1"];
const APP = "drilled";
const DRILL_MS = 40 * 60_000;
const PAGE = join(work, "drill.html");
const drills = () => join(STATE, "..");

/**
 * A drill's three hosts fit beside this cluster's only where those are off: the machine has few inotify instances. R2, git host
 * and registries, which the import asks, are not on them.
 */
async function withHostsOff(use: () => Promise<void>): Promise<void> {
  const plan = readPlan();
  await Promise.all(HOSTS.map((host) => stopServer(plan, host)));
  try {
    await use();
  } finally {
    for (const host of HOSTS) if (!isRunning(plan, host)) await startServer(plan, STATE, host);
    await eventually(
      "the nodes",
      async () => (await status()).nodes,
      (nodes) => nodes.length === 3 && nodes.every((node) => node["ready"]),
      300,
    );
  }
}

async function drill(...args: readonly string[]): Promise<DrillResult & { exitCode: number }> {
  const { stdout, exitCode, all } = await infra(["drill", "--json", ...args], { timeout: DRILL_MS });
  const last = stdout.trim().split("\n").at(-1) ?? "";
  assert.match(last, /^\{/, all);
  const result = JSON.parse(last) as DrillResult;
  const told = result.steps.map(({ name, seconds, ok }) => `${name} ${seconds} s${ok ? "" : " FAILED"}`);
  console.log(`        ${told.join(", ")}; RPO ${result.rpoSeconds} s, RTO ${result.rtoSeconds} s`);
  return { ...result, exitCode };
}

function assertPassed(result: DrillResult & { exitCode: number }, backup: string): void {
  const { passed, reason, objects, volumes, steps } = result;
  const seen = JSON.stringify({ reason, objects: objects.differing, volumes: volumes.differing, steps });
  assert.deepEqual([result.exitCode, passed, result.backup], [0, true, backup], seen);
  assert.ok(objects.compared > 100, seen);
  assert.ok(volumes.filesCompared >= 301 && volumes.bytesCompared > 20_000_000, seen);
  assert.ok((result.rpoSeconds ?? 0) > 0 && (result.rtoSeconds ?? 0) > 60, "measured, neither is nothing");
  const restored = new Set(
    steps.filter(({ name }) => name.startsWith("restore: ")).map(({ name }) => name.slice(9)),
  );
  for (const stage of ["servers", "k3s", "volumes"]) assert.ok(restored.has(stage), seen);
}

/** Namespaces and cgroups of a sandbox. */
const kernels = (name: string) => [
  ...readdirSync("/run/netns").filter((entry) => entry.startsWith(`infra-k3s-${name}-`)),
  ...globSync(`/sys/fs/cgroup/*/infra-k3s-${name}-*`),
];

/** What is left of a drill, which must be nothing; a look at what stays sees that it looks in the right places. */
function assertGone(): void {
  const name = drillName(cluster);
  assert.equal(existsSync(join(drills(), name)), false, "its sandbox");
  assert.equal(existsSync(join(drills(), "../drill", name)), false, "its import");
  assert.deepEqual(kernels(name), []);
  assert.ok(kernels("default").length > 5);
  assert.ok(!readFileSync("/proc/self/mountinfo", "utf8").includes(`/${name}/`), "its mounts");
}

/** One request with the drill's key of R2, from the operator's place; its HTTP status. */
async function asDrill(method: string, bucket: string, key: string): Promise<string> {
  const [, id = "", secret = ""] =
    /^# R2: (\S+) (\S+)$/m.exec(readFileSync(join(cluster, ".drill-key.local"), "utf8")) ?? [];
  const endpoint = `https://${cloudflareStore(join(STATE, "clouds")).read().id}.r2.cloudflarestorage.com`;
  const url = `/${bucket}/${key}`;
  const plain = { host: new URL(endpoint).host, "x-amz-content-sha256": "UNSIGNED-PAYLOAD" };
  const signed = sign({ method, url, headers: plain }, { id, secret }, "auto", new Date());
  const headers = join(work, "drill-headers");
  writeFileSync(
    headers,
    Object.entries(signed)
      .map(([name, value]) => `${name}: ${String(value)}\n`)
      .join(""),
    { mode: 0o600 },
  );
  const body = method === "PUT" ? "--data-binary x" : "";
  const { stdout } = await must(
    at(
      "operator",
      `curl -sS -o /dev/null -w '%{http_code}' -X ${method} ${body} -H '@${headers}' '${endpoint}${url}'`,
    ),
  );
  rmSync(headers);
  return stdout.trim();
}

/** Flips a byte in the middle of a file of the bucket, for the time of a drill. */
async function withFlipped(file: string, use: () => Promise<void>): Promise<void> {
  const before = readFileSync(file);
  const flipped = Buffer.from(before);
  const middle = Math.floor(before.length / 2);
  flipped[middle] = (flipped[middle] ?? 0) ^ 0x01;
  // In place: what the S3 server knows of it lies in the file's attributes.
  writeFileSync(file, flipped, { flag: "r+" });
  try {
    await use();
  } finally {
    writeFileSync(file, before, { flag: "r+" });
  }
}

const FILL = `set -e
cd /data
i=0
while [ "$i" -lt 300 ]; do mkdir -p "d$((i % 10))"; head -c $((i * 91 % 9000)) /dev/urandom >"d$((i % 10))/$i"; i=$((i + 1)); done
head -c 20971520 /dev/urandom >large; chmod 600 large; ln -s large link
`;

let saved: BackupCreate;

/** Drills; last of all, since they take the hosts' place. */
export const drilled: readonly Case[] = [
  {
    name: "drill: its own key reads the buckets and writes nothing; its recipient opens the kit and the inventory of a backup",
    async run() {
      await must(infra(["app", "add", APP, "--image", "ghcr.io/infra-k3s/probe:1", "--port", "7000", "--host", `${APP}.${DOMAIN}`, "--volume", "1Gi:/data"]));
      await must(infra(["drill", "init"]));
      await commitAndPush("Let drills open what is encrypted; an app to drill with");
      await eventually("the app", async () => (await gitopsStatus()).apps.map(({ name }) => name), (all) => all.includes(APP));
      await settled(APP);
      const encoded = Buffer.from(FILL).toString("base64");
      await must(at("hetzner-1", `echo ${encoded} | base64 -d | k3s kubectl exec --stdin --namespace ${APP} deployment/${APP} -- sh`));
      const kit = JSON.parse((await must(infra(["recovery-kit", "export", "--json"]))).stdout) as { drill: string | null };
      saved = JSON.parse((await must(infra(["backup", "create", "--name", "drilled", "--json"]))).stdout) as BackupCreate;
      const again = await must(infra(["drill", "init", "--json"]));

      assert.match(kit.drill ?? "", /^age1/);
      assert.equal((JSON.parse(again.stdout) as { made: boolean }).made, false);
      assert.equal(statSync(join(cluster, ".drill-key.local")).mode & 0o777, 0o600);
      assert.ok((saved.inventory?.files ?? 0) >= 301, JSON.stringify(saved.inventory));
      const [backups, state] = ["three-clouds-backups", "three-clouds-state"];
      assert.deepEqual([await asDrill("GET", backups, `etcd/${saved.name}`), await asDrill("GET", state, "cloudflare.tfstate")], ["200", "200"]);
      for (const bucket of [backups, state])
        for (const method of ["PUT", "DELETE"]) assert.equal(await asDrill(method, bucket, "drill-was-here"), "403");
    },
  },
  {
    name: "drill: the newest backup is restored into a sandbox of its own, every object and every byte is as the inventory says, RPO and RTO are measured, and nothing of it is left",
    async run() {
      await withHostsOff(async () => {
        const result = await drill("--report", PAGE);
        const page = readFileSync(PAGE, "utf8");
        const shown = JSON.parse((await infra(["status", "--json"])).stdout) as Status;

        assertPassed(result, saved.backup);
        assertGone();
        assert.match(page, /Drill of three-clouds: <span class="passed">/);
        assert.doesNotMatch(page, /<script|https?:\/\//);
        assert.deepEqual([shown.backups.drill?.ok, shown.backups.drill?.rtoSeconds], [true, result.rtoSeconds]);
      });
    },
  },
  {
    full: true,
    name: "drill: killed in the middle of its restore, the next one clears what is left, and three in a row are green",
    async run() {
      await withHostsOff(async () => {
        const machines = join(drills(), drillName(cluster), "hosts/hetzner-1/upper");
        await killed(["drill", "--json"], async () => {
          while (!existsSync(machines)) await sleep(1000);
          await sleep(20_000);
        });
        const results = [await drill(), await drill()];

        for (const result of results) assertPassed(result, saved.backup);
        assertGone();
      });
    },
  },
  {
    full: true,
    name: "drill: a flipped byte in Kopia's data, or in the inventory, makes it fail, and is named",
    async run() {
      const packs = globSync("velero/kopia/**/p*", { cwd: bucketPath(), withFileTypes: true }).filter((one) => one.isFile());
      const files = packs.map((one) => join(one.parentPath, one.name)).toSorted((a, b) => statSync(b).size - statSync(a).size);
      const [pack] = files;
      assert.ok(pack !== undefined, "Kopia has packs");
      const md5 = createHash("md5").update(readFileSync(pack)).digest("hex");
      await withFlipped(pack, async () => {
        const { exitCode, passed, reason } = await drill();
        assert.deepEqual([exitCode, passed], [1, false]);
        assert.match(reason, new RegExp(`${pack.slice(pack.indexOf("velero/kopia"))} of the bucket .* was not copied[^]*${md5}`));
      });
      await withFlipped(bucketPath("inventory", `${saved.backup}.jsonl.gz.age`), async () => {
        const { exitCode, passed, reason } = await drill("--of", saved.backup);
        assert.deepEqual([exitCode, passed], [1, false]);
        assert.match(reason, new RegExp(`inventory/${saved.backup}.jsonl.gz.age is damaged`));
      });
      const shown = (await gitopsStatus()).backups.drill;
      assert.deepEqual([shown?.ok, shown?.passed], [false, false]);
      // An import that broke off stays, to be gone on with.
      assert.deepEqual(kernels(drillName(cluster)), []);
    },
  },
]; // prettier-ignore
