import { describe, expect, test } from "vitest";
import type { Facts, Look } from "./facts.ts";
import { judge } from "./judge.ts";

const NOW = Date.parse("2026-06-01T00:00:00Z") / 1000;
const direct = "pong from x (100.64.0.2) via 198.18.2.11:41641 in 12ms";

const healthy: Facts = {
  began: NOW + 0.5,
  ended: NOW + 2,
  backend: "Running",
  keyExpiry: "",
  tailnet: "tail1234.ts.net",
  mtu: { tailscale0: 1280, "flannel.1": 1230 },
  pairs: [{ to: "vultr-1", known: true, online: true, ping: direct, overlay: "10.42.1.0", fits: true }],
  resolver: { path: "/etc/resolv.conf", nameservers: ["1.1.1.1"], search: ["example.com"] },
  podResolvers: [{ path: "p", nameservers: ["10.43.0.10"], search: ["default.svc.cluster.local"] }],
  unknownNames: [],
  clusterDns: true,
  container: false,
  synchronized: true,
  disks: [{ path: "/", device: 1, bytes: 50e9, size: 100e9, inodes: 5e6, inodesTotal: 6e6 }],
  certificates: [
    { path: "/var/lib/rancher/k3s/agent/client-kubelet.crt", notAfter: "May 1 00:00:00 2027 GMT" },
  ],
  units: [{ name: "k3s-agent.service", active: "active", sub: "running", enabled: "enabled", words: "" }],
};

const look = (facts: Partial<Facts> = {}, name = "aws-1"): Look => ({
  name,
  facts: { ...healthy, ...facts },
  asked: NOW,
  answered: NOW + 2.5,
});

/** check: message, of every finding. */
const found = (...looks: Look[]) => judge(looks, [], NOW).map(({ check, message }) => `${check}: ${message}`);

describe("a healthy host", () => {
  test("has no findings", () => {
    expect(found(look(), look({}, "vultr-1"))).toEqual([]);
  });

  test("may have a file system without a fixed number of inodes, and the same disk under several names", () => {
    const [disk] = healthy.disks;
    if (disk === undefined) throw new Error("there is one");
    expect(found(look({ disks: [disk, { ...disk, path: "/tmp", inodes: 0, inodesTotal: 0 }] }))).toEqual([]);
    const full = { ...disk, bytes: 1e9 };
    expect(found(look({ disks: [full, { ...full, path: "/tmp" }] }))).toHaveLength(1);
  });

  test("may be a container, whose clock is its machine's", () => {
    expect(found(look({ container: true, synchronized: false }))).toEqual([]);
  });
});

describe("each fault is told", () => {
  const [pair] = healthy.pairs;
  if (pair === undefined) throw new Error("there is one");
  test.each<[Partial<Facts>, string]>([
    [{ backend: "Stopped" }, "mesh: Tailscale is Stopped, not Running"],
    [{ pairs: [{ ...pair, known: false }] }, "mesh: its tailnet does not have vultr-1"],
    [
      { pairs: [{ ...pair, online: false, ping: "no reply" }] },
      "mesh: does not reach vultr-1 through the mesh, it is offline: no reply",
    ],
    [{ mtu: { tailscale0: null, "flannel.1": 1230 } }, "mtu: there is no tailscale0"],
    [
      { mtu: { tailscale0: 1280, "flannel.1": null }, pairs: [] },
      "mtu: there is no flannel.1, so pods here reach no other node",
    ],
    [
      { mtu: { tailscale0: 1280, "flannel.1": 1400 } },
      "mtu: flannel.1 has MTU 1400; over tailscale0 (1280) it has to be 1230",
    ],
    [{ pairs: [{ ...pair, overlay: "", fits: null }] }, "mtu: flannel knows no way to the pods of vultr-1"],
    [
      { pairs: [{ ...pair, fits: false }] },
      "mtu: a packet of 1230 bytes to the pods of vultr-1 (10.42.1.0) does not come back whole",
    ],
    [
      { resolver: { ...healthy.resolver, nameservers: ["100.100.100.100"] } },
      "dns: /etc/resolv.conf has the tailnet's resolver or search domain, and pods inherit it",
    ],
    [
      { podResolvers: [{ path: "p", nameservers: [], search: ["tail1234.ts.net"] }] },
      "dns: 1 pods have the tailnet's resolver or search domain in their resolv.conf",
    ],
    [{ unknownNames: ["x.com"] }, "dns: can't resolve x.com"],
    [
      { clusterDns: false },
      "dns: the cluster's DNS does not answer for kubernetes.default.svc.cluster.local",
    ],
    [{ began: NOW + 60, ended: NOW + 61 }, "clock: its clock is at least 58.5 s ahead of the operator's"],
    [{ began: NOW - 60, ended: NOW - 59 }, "clock: its clock is at least 60.0 s behind the operator's"],
    [{ synchronized: false }, "clock: its clock is not kept by NTP"],
    [
      { disks: [{ path: "/", device: 1, bytes: 9e9, size: 100e9, inodes: 0, inodesTotal: 0 }] },
      "disk: / has 9 % of its space left",
    ],
    [
      { disks: [{ path: "/tmp", device: 1, bytes: 50, size: 100, inodes: 1, inodesTotal: 100 }] },
      "disk: /tmp has 1 % of its inodes left",
    ],
    [{ keyExpiry: "2026-06-10T00:00:00Z" }, "expiry: its key in the tailnet expires in 9 days"],
    [{ keyExpiry: "2026-05-31T00:00:00Z" }, "expiry: its key in the tailnet has expired"],
    [
      {
        certificates: [
          { path: "a.crt", notAfter: "Jun  5 00:00:00 2026 GMT" },
          { path: "b.crt", notAfter: "Jun  3 00:00:00 2026 GMT" },
        ],
      },
      "expiry: b.crt expires in 2 days (1 more end soon)",
    ],
    [
      { certificates: [{ path: "server-ca.crt", notAfter: "May 31 00:00:00 2026 GMT" }] },
      "expiry: server-ca.crt has expired",
    ],
    [
      {
        units: [{ name: "k3s.service", active: "failed", sub: "failed", enabled: "enabled", words: "boom" }],
      },
      "units: k3s.service is failed (failed); its last words:\nboom",
    ],
    [
      { units: [{ name: "k3s.service", active: "active", sub: "running", enabled: "disabled", words: "" }] },
      "units: k3s.service would not start at the next boot",
    ],
  ])("%j", (facts, message) => {
    expect(found(look(facts))).toEqual([message]);
  });
});

test("two clocks that are each near the operator's may still be apart from each other", () => {
  const slow = { ...look({ began: NOW - 0.9, ended: NOW + 1.6 }, "aws-1") };
  const fast = { ...look({ began: NOW + 0.9, ended: NOW + 3.4 }, "vultr-1") };

  expect(found(slow, fast)).toEqual(["clock: its clock and that of vultr-1 are at least 1.8 s apart"]);
});

test("a relayed path is a warning; a host out of reach is an error with its own way out", () => {
  const relayed = "pong from x (100.64.0.2) via DERP(fra) in 31ms";
  const pairs = healthy.pairs.map((pair) => ({ ...pair, ping: relayed }));

  const [miss, warning] = judge(
    [look({ pairs })],
    [{ name: "vultr-1", why: "no answer", fix: "boot it" }],
    NOW,
  );

  expect(miss).toMatchObject({ check: "reach", severity: "error", host: "vultr-1", fix: "boot it" });
  expect(warning).toMatchObject({ check: "mesh", severity: "warning", host: "aws-1" });
});
