import { expect, test } from "vitest";
import { loadCluster } from "./load.ts";

function faults(network: string, workers = "", address = "198.51.100.7"): string[] {
  const text = `name: a\ndomain: example.com\nk3s: { version: v1.36.3+k3s1 }\nnetwork: { ${network} }\nnodes:\n  - { name: m, role: master, provider: existing, address: ${address} }\n${workers}`;
  const loaded = loadCluster(text, "cluster.yaml");
  return loaded.ok ? [] : loaded.diagnostics.map(({ path, code, message }) => `${path} ${code}: ${message}`);
}

test.each([
  ["100.64.0.0/16", "100.64.0.0/10, the addresses of the tailnet"],
  ["127.1.0.0/16", "127.0.0.0/8, each host's own addresses"],
  ["169.254.0.0/16", "169.254.0.0/16, link-local addresses, with the clouds' metadata service"],
  ["225.0.0.0/16", "224.0.0.0/3, multicast and reserved addresses"],
  ["0.1.0.0/16", "0.0.0.0/8, reserved addresses"],
  ["10.43.0.0/17", "10.43.0.0/16, the network of the Services"],
  ["10.0.0.0/8", "10.43.0.0/16, the network of the Services"],
  ["198.51.0.0/16", "198.51.100.7/32, the address of m"],
])("the pods can't have %s", (podCidr, owner) => {
  expect(faults(`podCidr: ${podCidr}`)).toEqual([
    `network.podCidr overlapping-networks: podCidr ${podCidr} overlaps ${owner}`,
  ]);
});

test("the Services can't have what the pods have, or a host", () => {
  expect(faults("serviceCidr: 10.42.128.0/17")).toEqual([
    "network.serviceCidr overlapping-networks: serviceCidr 10.42.128.0/17 overlaps 10.42.0.0/16, the network of the pods",
  ]);
  expect(faults("serviceCidr: 198.51.96.0/20")).toEqual([
    "network.serviceCidr overlapping-networks: serviceCidr 198.51.96.0/20 overlaps 198.51.100.7/32, the address of m",
  ]);
});

test("an address of another kind overlaps none", () => {
  expect(faults("podCidr: 10.42.0.0/16", "", '"2001:db8::1"')).toEqual([]);
  expect(faults("podCidr: 10.42.0.0/16", "", "m.example.com")).toEqual([]);
});

test.each([
  ["10.42.0.0/24", 1, []],
  ["10.42.0.0/24", 2, ["has room for 1 node, and there are 2"]],
  ["10.42.0.0/23", 2, []],
  ["10.42.0.0/23", 3, ["has room for 2 nodes, and there are 3"]],
  ["10.42.0.0/25", 1, ["has room for 0 nodes, and there are 1"]],
])("%s and %d nodes", (podCidr, count, expected) => {
  const workers = Array.from({ length: count - 1 }, (_, i) => `  - { name: w${i}, role: worker, provider: existing }\n`); // prettier-ignore

  expect(faults(`podCidr: ${podCidr}`, workers.join(""))).toEqual(
    expected.map((message) => `network.podCidr network-too-small: ${podCidr} ${message}`),
  );
});

test.each([
  ["172.16.0.0/12", []],
  ["172.0.0.0/11", ["too-wide"]],
  ["10.43.0.16/28", []],
  ["10.43.0.8/29", ["too-small"]],
])("the Services and %s", (serviceCidr, expected) => {
  expect(faults(`serviceCidr: ${serviceCidr}`)).toEqual(
    expected.map((code) => `network.serviceCidr network-${code}: the network of the Services can't be a /${serviceCidr.split("/")[1]}`), // prettier-ignore
  );
});
