import assert from "node:assert/strict";
import { globSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { vultrStore } from "../../sandbox/clouds/vultr/api.ts";
import { stopServer } from "../../sandbox/hosts/server.ts";
import { faultsFile, readFaults, setFaults } from "../../sandbox/services/faults.ts";
import { Headscale } from "../../sandbox/services/headscale.ts";
import type { HostSummary } from "../../src/output/events.ts";
import type { Case, Outcome } from "./harness.ts";
import { status } from "./main-job.ts";
import { at, caches, cluster, done, infra, killed, must, readPlan, withFile } from "./place.ts";
import { apply, IMAGE, kubectl } from "./probe.ts";

const NODE = "vultr-2";
const FIELDS = ["--provider", "vultr", "--region", "fra", "--size", "vc2-2c-4gb"];
const file = join(cluster, "cluster.yaml");

const add = (...more: string[]) => infra(["node", "add", NODE, ...FIELDS, ...more]);
const remove = (...more: string[]) => infra(["node", "remove", NODE, "--yes", ...more]);

/** How many tasks ran on each host, and how many changed something. */
function tasks(outcome: Outcome): Record<string, Pick<HostSummary, "ok" | "changed">> {
  const stages = done(outcome).stages as unknown as { hosts: Record<string, HostSummary> }[];
  const sums: ReturnType<typeof tasks> = {};
  for (const [host, { ok, changed }] of stages.flatMap(({ hosts }) => Object.entries(hosts))) {
    const before = sums[host] ?? { ok: 0, changed: 0 };
    sums[host] = { ok: before.ok + ok, changed: before.changed + changed };
  }
  return sums;
}

const FAULTS = faultsFile(join(cluster, ".."));

/** What Vultr bills. */
async function instances(): Promise<string[]> {
  return vultrStore(join(cluster, "../clouds"))
    .read()
    .instances.map(({ label }) => label)
    .toSorted();
}

/** The OpenTofus that run now. */
function tofus(): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        const argv = readFileSync(`/proc/${pid}/cmdline`, "utf8");
        return argv.includes(`-chdir=${cluster}/`) && argv.includes("apply");
      } catch {
        return false; // It has ended since.
      }
    });
}

/** A pod that would rather be on the node, and may be evicted once `budget` allows. */
const mover = (budget: number) => `
apiVersion: v1
kind: Namespace
metadata: { name: day2, labels: { pod-security.kubernetes.io/enforce: privileged } }
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: { name: mover, namespace: day2 }
spec: { minAvailable: ${budget}, selector: { matchLabels: { app: mover } } }
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: mover, namespace: day2 }
spec:
  selector: { matchLabels: { app: mover } }
  template:
    metadata: { labels: { app: mover } }
    spec:
      terminationGracePeriodSeconds: 0
      affinity:
        nodeAffinity:
          preferredDuringSchedulingIgnoredDuringExecution:
            - weight: 100
              preference:
                matchExpressions: [{ key: kubernetes.io/hostname, operator: In, values: [${NODE}] }]
      containers: [{ name: mover, image: "${IMAGE}" }]
`;

async function deployMover(budget: number): Promise<void> {
  await kubectl("delete", "namespace", "day2", "--ignore-not-found");
  await apply(mover(budget));
  await kubectl("rollout", "status", "deployment/mover", "--namespace", "day2", "--timeout=120s");
  assert.equal(await nodeOfMover(), NODE);
}

async function nodeOfMover(): Promise<string> {
  const nodes = "jsonpath={range .items[?(@.status.phase=='Running')]}{.spec.nodeName}{end}";
  return kubectl("get", "pods", "--namespace", "day2", "--output", nodes);
}

/** Everything but the host that could know the node. */
async function traces(): Promise<string[]> {
  const program = globSync(join(caches, "infra-k3s/artifacts/headscale-*/headscale"))[0] ?? "";
  const devices = await new Headscale(program, join(cluster, "..")).nodes();
  const inventory = ["hosts.yml", "known_hosts"].map((name) =>
    readFileSync(join(cluster, "ansible/inventory", name), "utf8"),
  );
  const found = {
    node: await kubectl("get", "nodes", "--output", "name"),
    secret: await kubectl("get", "secrets", "--namespace", "kube-system", "--output", "name"),
    device: devices.map(({ name }) => name).join(" "),
    file: readFileSync(file, "utf8"),
    inventory: inventory.join(""),
  };
  return Object.entries(found).flatMap(([what, text]) => (text.includes(NODE) ? [what] : []));
}

const ALL = ["node", "secret", "device", "file", "inventory"];

/** Nodes come and go, and the others are left alone. */
export const nodes: readonly Case[] = [
  {
    name: "node add, OpenTofu killed while Vultr makes the server, and run again: one server, which joins; no task runs on any other host",
    async run() {
      const slow = { host: "api.vultr.com", method: "POST", path: "/instances$", delayMs: 8000 };
      setFaults(FAULTS, [slow]);
      await killed(["node", "add", NODE, ...FIELDS, "--json"], async () => {
        while ((readFaults(FAULTS)[0]?.times ?? 0) > 0) await sleep(100);
        await sleep(1000);
        for (const pid of tofus()) process.kill(pid, "SIGKILL");
      });
      // What was asked for is made, although nobody waits for it any more.
      while (!(await instances()).includes(NODE)) await sleep(200);
      const locks = globSync("*.tflock", { cwd: join(cluster, "../r2/buckets/three-clouds-state") });
      const joined = await must(add("--json"));
      const again = await must(infra(["up", "--json"]));
      const { [NODE]: own, ...others } = tasks(joined);
      console.log(`        +1 worker: tasks on ${NODE} ${own?.ok}, on the others ${JSON.stringify(others)}`);

      assert.deepEqual(locks, ["vultr.tfstate.tflock"], "it was killed while it held the lock");
      assert.match(joined.stdout, /vultr_instance vultr-2 is there already: taken into the state/);
      assert.deepEqual(await instances(), [NODE, "vultr-1"].toSorted());
      assert.ok((own?.ok ?? 0) > 40);
      const none = ["hetzner-1", "vultr-1", "aws-1"].map((name) => [name, { ok: 0, changed: 0 }]);
      assert.deepEqual(others, Object.fromEntries(none));
      assert.equal(done(again).changed, 0, "nor has a whole up anything to do, on any host");
      assert.match(again.stderr, /tasks run: hetzner-1 \d+, changed 0; /);
      assert.deepEqual((await status()).nodes.map((node) => [node["name"], node["ready"]]).at(-1), [
        NODE,
        true,
      ]);
      assert.deepEqual(await traces(), ALL);
    },
  },
  {
    name: "a node that is no longer declared: status and up name it with the way out",
    async run() {
      const text = readFileSync(file, "utf8");
      const undeclare = () => writeFileSync(file, text.slice(0, text.indexOf(`  - name: ${NODE}`)));
      const [told, up] = await withFile(
        file,
        undeclare,
        async () => [await status(), await infra(["up"])] as const,
      );

      assert.equal(told.ok, false);
      assert.match(
        JSON.stringify(told.stages),
        /not declared in cluster\.yaml: vultr-2; fix: infra-k3s node remove vultr-2/,
      );
      assert.equal(up.exitCode, 1);
      assert.match(
        up.stderr,
        /module\.server\["vultr-2"\]\.vultr_instance\.this would be destroyed[^]*infra-k3s node remove vultr-2/,
      );
    },
  },
  {
    name: "node remove, killed once its host is reset and run again: pods moved; host, Node, password, device and declaration gone",
    async run() {
      await deployMover(0);
      await killed(["node", "remove", NODE, "--yes", "--json"], async (stdout) => {
        for await (const line of createInterface(stdout)) {
          const event = JSON.parse(line) as { stage?: string; state?: string };
          if (event.stage === "reset" && event.state === "done") return;
        }
      });
      const between = await traces();
      await must(remove("--json"));
      const third = await remove();
      await kubectl("rollout", "status", "deployment/mover", "--namespace", "day2", "--timeout=120s");

      assert.ok(between.includes("file"), between.join(" "));
      assert.deepEqual(await traces(), []);
      assert.deepEqual(await instances(), ["vultr-1"]);
      assert.notEqual((await at(NODE, "true")).exitCode, 0, "the host is gone");
      assert.notEqual(await nodeOfMover(), NODE);
      assert.match(third.stderr, /there is no node "vultr-2"/);
      assert.equal((await status()).ok, true);
    },
  },
  {
    full: true,
    name: "the same name joins again",
    async run() {
      const { [NODE]: own, ...others } = tasks(await must(add("--json")));

      assert.ok((own?.changed ?? 0) > 10);
      assert.ok(Object.values(others).every(({ ok }) => ok === 0));
      assert.deepEqual((await status()).nodes.map((node) => [node["name"], node["ready"]]).at(-1), [
        NODE,
        true,
      ]);
      assert.deepEqual(await traces(), ALL);
    },
  },
  {
    full: true,
    name: "node remove against a disruption budget, and of a host that is gone: says why, changes no more; --force --unreachable goes on",
    async run() {
      await deployMover(1);
      const refused = await remove("--timeout", "8");
      const cordoned = (await status()).nodes.find((node) => node["name"] === NODE);
      await stopServer(readPlan(), NODE);
      const silent = await remove();
      const forced = await remove("--unreachable", "--force");
      await kubectl("delete", "namespace", "day2", "--wait=false");

      assert.equal(refused.exitCode, 1);
      assert.match(
        refused.stderr,
        /vultr-2 can't be drained\s+why: [\s\S]*disruption budget[\s\S]*fix: .*--force/,
      );
      assert.match(String(cordoned?.["reason"]), /cordoned/);
      assert.equal(silent.exitCode, 1);
      assert.match(
        silent.stderr,
        /can't be reached by SSH; nothing was changed[\s\S]*node remove vultr-2 --unreachable/,
      );
      assert.equal(forced.exitCode, 0, forced.all);
      assert.match(forced.stderr, /vultr-2 \(198\S+\) was not reset: K3s with its data/);
      assert.deepEqual(await traces(), []);
      assert.deepEqual(await instances(), ["vultr-1"]);
      assert.equal(done(await must(infra(["up", "--json"]))).changed, 0);
    },
  },
  {
    name: "the master, and a name that nobody knows, are not removed",
    async run() {
      for (const [name, why] of [
        ["hetzner-1", /is the master/],
        ["vultr-9", /there is no node "vultr-9"/],
      ] as const) {
        const { exitCode, stderr } = await infra(["node", "remove", name, "--yes"]);
        assert.equal(exitCode, 64);
        assert.match(stderr, why);
      }
    },
  },
];
