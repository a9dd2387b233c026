import assert from "node:assert/strict";
import type { Case } from "./harness.ts";
import { at, done, infra, must, stands, stockAnsible, warm } from "./place.ts";

interface StatusJson {
  cluster: string;
  ok: boolean;
  nodes: Record<string, string | number | boolean>[];
  stages: { name: string; state: string }[];
}

export async function status(): Promise<StatusJson> {
  return JSON.parse((await must(infra(["status", "--json"]))).stdout) as StatusJson;
}

/** From nothing to three Ready nodes, and what a person can then ask of them. */
export const mainJob: readonly Case[] = [
  {
    name: "sandbox up: from a fresh clone, an empty home and a clean environment to three Ready nodes",
    async run() {
      // With nothing in the caches, everything is built first.
      const up = await must(infra(["sandbox", "up", "--until", "verify"], { timeout: 3_000_000 }));

      for (const part of warm ? [] : ["package-lock.json", "ansible-core", "debootstrap", "K3s stand-in"]) {
        assert.match(up.stderr, new RegExp(part), `it says that it installs: ${part}`);
      }
      // A whole `up` ends with it: gitops.ts.
      const { stdout } = await must(infra(["status"]));
      assert.equal(stdout.match(/^\S+ +(master|worker) .* Ready /gm)?.length, 3, stdout);
      for (const resource of stands ? [] : ["hcloud_server", "vultr_instance", "aws_instance"])
        assert.match(up.stderr, new RegExp(`create \\S+${resource}\\.this: done`));
    },
  },
  {
    name: "status --json: three nodes in their clouds, every InternalIP in the mesh",
    async run() {
      const { cluster: name, ok, nodes, stages } = await status();

      assert.deepEqual([name, ok], ["three-clouds", true]);
      assert.deepEqual(
        nodes.map((node) => [node["name"], node["role"], node["provider"], node["ready"]]),
        [
          ["hetzner-1", "master", "hetzner", true],
          ["vultr-1", "worker", "vultr", true],
          ["aws-1", "worker", "aws", true],
        ],
      );
      assert.deepEqual(
        stages.map((stage) => stage.name),
        ["servers", "dns", "base", "mesh", "k3s", "verify", "gitops"],
      );
      for (const node of nodes) {
        assert.match(String(node["meshIp"]), /^100\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7])\./);
        assert.match(String(node["version"]), /^v1\.36\.3\+k3s1/);
        assert.equal(node["path"], node["role"] === "master" ? "self" : "direct");
        assert.equal(typeof node["ageSeconds"], "number");
      }
    },
  },
  {
    name: "API and etcd listen on the mesh and on loopback, nowhere else",
    async run() {
      const listeners = (await must(at("hetzner-1", "ss -Hltn"))).stdout;
      const addresses = [...listeners.matchAll(/\s(\S+):(6443|2379|2380)\s/g)].map((match) => [
        match[2],
        match[1],
      ]);
      const ports = new Set(addresses.map(([port]) => String(port)));

      assert.deepEqual(
        [...ports].toSorted((a, b) => a.localeCompare(b)),
        ["2379", "2380", "6443"],
        listeners,
      );
      for (const [port, address] of addresses) {
        assert.match(address ?? "", /^(\[?::ffff:)?(100\.|127\.|\[::1\])/, `${port} on ${address}`);
      }
    },
  },
  {
    name: "kubectl works from the operator's place, which is not in the tailnet",
    async run() {
      const { stdout } = await must(infra(["kubectl", "get", "nodes", "-o", "wide"]));
      const links = (await must(at("operator", "ip -br link"))).stdout;
      const direct = await at("operator", "timeout 3 bash -c '</dev/tcp/100.64.0.1/6443'");

      assert.equal(stdout.match(/ Ready /g)?.length, 3, stdout);
      assert.doesNotMatch(links, /tailscale/);
      assert.notEqual(direct.exitCode, 0, "the API can't be reached directly from there");
    },
  },
  {
    name: "ssh, kubeconfig and validate; a child's exit code is passed on",
    async run() {
      assert.equal((await must(infra(["ssh", "aws-1", "hostname"]))).stdout.trim(), "aws-1");
      assert.equal((await infra(["ssh", "aws-1", "exit 7"])).exitCode, 7);
      assert.equal((await infra(["kubectl", "get", "nothing"])).exitCode, 1);
      assert.match((await must(infra(["kubeconfig"]))).stdout, /server: https:\/\/100\.\S+:6443/);
      assert.deepEqual(JSON.parse((await must(infra(["validate", "--json"]))).stdout), {
        ok: true,
        diagnostics: [],
      });
    },
  },
  {
    name: "what was changed behind its back is seen by status --check, repaired by up, and counted",
    async run() {
      await must(at("vultr-1", "rm /etc/sysctl.d/90-infra-k3s.conf"));
      await must(at("aws-1", "systemctl stop tailscaled"));
      await must(at("hetzner-1", "echo 'debug: true' >>/etc/rancher/k3s/config.yaml"));

      const check = await infra(["status", "--check", "--json"]);
      const up = await must(infra(["up", "--json"]));

      assert.equal(check.exitCode, 1);
      const seen = (JSON.parse(check.stdout) as StatusJson).stages.filter(({ state }) => state !== "ok");
      assert.deepEqual(seen.map(({ name }) => name).slice(0, 3), ["base", "mesh", "k3s"]);
      for (const [host, task] of [
        ["vultr-1", "Write the kernel settings"],
        ["aws-1", "Restart tailscaled"],
        ["hetzner-1", "Write the configuration"],
      ]) {
        assert.match(up.stdout, new RegExp(`"host":"${host}","state":"changed","task":"[^"]*${task}`));
      }
      assert.ok(done(up).changed >= 3);
    },
  },
  {
    name: "a second up looks at everything and changes nothing",
    async run() {
      const result = done(await must(infra(["up", "--json"])));

      assert.deepEqual([result.ok, result.changed], [true, 0]);
      assert.deepEqual(
        result.stages.map((stage) => stage.name),
        ["servers", "dns", "base", "mesh", "k3s", "verify", "gitops"],
      );
    },
  },
  {
    name: "the cluster repository works by itself: stock ansible-playbook changes nothing",
    async run() {
      const { stdout } = await must(infra(stockAnsible("site.yml")));

      const recap = stdout.split("PLAY RECAP")[1] ?? "";
      assert.equal(recap.match(/changed=0 +unreachable=0 +failed=0/g)?.length, 3, stdout);
    },
  },
];
