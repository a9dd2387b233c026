import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { loadCluster } from "../../config/load.ts";
import { parseNodes, undeclaredNodes } from "./parse.ts";

const loaded = loadCluster(readFileSync("examples/three-clouds/cluster.yaml", "utf8"), "cluster.yaml");
if (!loaded.ok) throw new Error("the example is valid");
const model = loaded.value;

const node = (name: string, ip: string, ready: string) => ({
  metadata: { name, creationTimestamp: "2026-01-01T00:00:00Z" },
  status: {
    addresses: [{ type: "InternalIP", address: ip }],
    conditions: [{ type: "Ready", status: ready }],
    nodeInfo: { kubeletVersion: "v1.36.3+k3s1" },
  },
});

test("joins the declared nodes with what the API and the mesh tell", () => {
  const list = { items: [node("hetzner-1", "100.64.0.1", "True"), node("vultr-1", "100.64.0.12", "False")] };
  const mesh = [
    "100.64.0.1 100.64.0.1 is local Tailscale IP",
    "100.64.0.12 pong from x (100.64.0.12) via DERP(fra) in 31ms",
    "",
  ].join("\n");

  const nodes = parseNodes({ model, servers: {} }, list, mesh, new Date("2026-01-01T00:01:00Z"));

  expect(
    nodes.map(({ name, ready, path, rttMs, ageSeconds }) => ({ name, ready, path, rttMs, ageSeconds })),
  ).toEqual([
    { name: "hetzner-1", ready: true, path: "self", rttMs: 0, ageSeconds: 60 },
    { name: "vultr-1", ready: false, path: "relay", rttMs: 31, ageSeconds: 60 },
    { name: "aws-1", ready: false, path: "none", rttMs: null, ageSeconds: null },
  ]);
});

test("says why a node is not ready or takes no pods, and which nodes nobody declared", () => {
  const down = node("hetzner-1", "100.64.0.1", "Unknown");
  const said = { type: "Ready", status: "Unknown", message: "Kubelet stopped posting node status." };
  const list = {
    items: [
      { ...down, status: { ...down.status, conditions: [said] } },
      { ...node("vultr-1", "100.64.0.2", "True"), spec: { unschedulable: true } },
      node("gone-1", "100.64.0.9", "True"),
    ],
  };

  const nodes = parseNodes({ model, servers: {} }, list, "", new Date());

  expect(nodes.map(({ name, ready, reason }) => [name, ready, reason])).toEqual([
    ["hetzner-1", false, "Kubelet stopped posting node status."],
    ["vultr-1", true, "takes no new pods: it is cordoned"],
    ["aws-1", false, "the cluster has no such node"],
  ]);
  expect(undeclaredNodes(model, list)).toEqual(["gone-1"]);
  expect(parseNodes({ model, servers: {} }, undefined, "", new Date())[0]?.reason).toBe("");
});

test.each([
  ["pong from x (100.64.0.1) via 198.18.1.10:41641 in 2ms", "direct", 2],
  ["pong from x (100.64.0.1) via [2001:db8:1::a]:41641 in 1.5ms", "direct", 1.5],
  ["pong from x (100.64.0.1) via DERP(fra) in 1s", "relay", 1000],
  ['ping "100.64.0.1" timed out', "none", null],
])("reads %j", (line, path, rttMs) => {
  const list = { items: [node("hetzner-1", "100.64.0.1", "True")] };

  const [first] = parseNodes({ model, servers: {} }, list, `100.64.0.1 ${line}`, new Date());

  expect(first).toMatchObject({ path, rttMs });
});
