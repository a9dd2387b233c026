import { expect, test } from "vitest";
import { loadCluster } from "./load.ts";

/** What is said of a master with these fields and an architecture that fits. */
function faults(provider: string, region: string, size: string, arch = "amd64"): string[] {
  const text = `name: a\ndomain: example.com\nk3s: { version: v1.36.3+k3s1 }\nnodes:\n  - { name: m, role: master, provider: ${provider}, region: ${region}, size: ${size}, arch: ${arch} }\n`;
  const loaded = loadCluster(text, "cluster.yaml");
  return loaded.ok ? [] : loaded.diagnostics.map(({ code, suggestion }) => `${code}: ${suggestion}`);
}

test.each([
  ["hetzner", "fsn1", "cx33"],
  ["hetzner", "hil", "ccx13"],
  ["hetzner", "sin", "cpx162"],
  ["vultr", "fra", "vc2-2c-4gb"],
  ["vultr", "ewr", "vhp-1c-1gb-amd"],
  ["vultr", "ewr", "voc-c-1c-2gb-25s-amd"],
  ["vultr", "ewr", "vc2-1c-0.5gb"],
  ["aws", "eu-central-1", "t3.medium"],
  ["aws", "us-gov-west-1", "u-6tb1.112xlarge"],
  ["aws", "us-east-1", "m5.metal-24xl"],
])("%s has a region like %s and a size like %s", (provider, region, size) => {
  expect(faults(provider, region, size)).toEqual([]);
});

const ASK = "`infra-k3s plan` asks the provider which there are";

test.each([
  ["hetzner", "fsn12", ASK],
  ["hetzner", "xfsn1", ASK],
  ["hetzner", "fs1", ASK],
  ["hetzner", "fsn1-dc14", 'did you mean "fsn1"?'],
  ["hetzner", "fsn1-dc14x", ASK],
  ["hetzner", "FSN1", 'did you mean "fsn1"?'],
  ["hetzner", "eu-central-1", `it looks like one of aws: correct \`provider:\`, or the region; ${ASK}`],
  ["vultr", "fran", ASK],
  ["vultr", "fsn1", `it looks like one of hetzner: correct \`provider:\`, or the region; ${ASK}`],
  ["aws", "eu-central-1b", 'did you mean "eu-central-1"?'],
  ["aws", "eu-central-1bc", ASK],
  ["aws", "eu-central-12", ASK],
  ["aws", "eu-central", ASK],
  ["aws", "eur-central-1", ASK],
  ["aws", "xeu-central-1", ASK],
  ["aws", "eu-1", ASK],
  ["aws", "eu-a-b-c-d-1", ASK],
])("%s has no region %s", (provider, region, suggestion) => {
  const size = { hetzner: "cx33", vultr: "vc2-2c-4gb", aws: "t3.medium" }[provider] ?? "";

  expect(faults(provider, region, size)).toEqual([`unknown-region: ${suggestion}`]);
});

test.each([
  ["hetzner", "x33", ASK],
  ["hetzner", "cx", ASK],
  ["hetzner", "cx3333", ASK],
  ["hetzner", "abcde1", ASK],
  ["hetzner", "cx33-1", ASK],
  ["hetzner", "t3.medium", `it looks like one of aws: correct \`provider:\`, or the size; ${ASK}`],
  ["hetzner", "cx33-dc14", ASK],
  ["vultr", "vc2", `it looks like one of hetzner: correct \`provider:\`, or the size; ${ASK}`],
  ["vultr", "v-2c", ASK],
  ["vultr", "2vc2-2c", ASK],
  ["vultr", "vc2-2c_4", ASK],
  ["vultr", "VC2-2c-4GB", 'did you mean "vc2-2c-4gb"?'],
  ["aws", "t3", ASK],
  ["aws", ".medium", ASK],
  ["aws", "3t.medium", ASK],
  ["aws", "t3.", ASK],
  ["aws", "t3.medium!", ASK],
])("%s has no size %s", (provider, size, suggestion) => {
  const region = { hetzner: "fsn1", vultr: "fra", aws: "eu-central-1" }[provider] ?? "";

  expect(faults(provider, region, `"${size}"`)).toContain(`unknown-size: ${suggestion}`);
});

test("what is not there is told beside what there is", () => {
  const whys = Object.entries({ hetzner: "fsn1", vultr: "fra", aws: "eu-central-1" }).map(
    ([provider, region]) => {
      const text = `name: a\ndomain: example.com\nk3s: { version: v1.36.3+k3s1 }\nnodes:\n  - { name: m, role: master, provider: ${provider}, region: ${region}-, size: "!" }\n`;
      const loaded = loadCluster(text, "cluster.yaml");
      return loaded.ok ? [] : loaded.diagnostics.map(({ why }) => why);
    },
  );

  expect(whys).toEqual([
    ["its regions are named like fsn1", "its sizes are named like cx33"],
    ["its regions are named like fra", "its sizes are named like vc2-2c-4gb"],
    ["its regions are named like eu-central-1", "its sizes are named like t3.medium"],
  ]);
});

test.each([
  ["hetzner", "fsn1", "cax11", "arm64"],
  ["hetzner", "fsn1", "cx33", "amd64"],
  ["vultr", "fra", "vc2-2c-4gb", "amd64"],
  ...["a1.large", "t4g.small", "m7gd.large", "im4gn.large", "c16g.large"].map((size) => ["aws", "eu-central-1", size, "arm64"]),
  ...["t3.small", "g5.xlarge", "g4dn.xlarge", "a10.large", "x-t4g.large"].map((size) => ["aws", "eu-central-1", size, "amd64"]),
])("%s %s %s is %s", (provider = "", region = "", size = "", arch = "") => {
  expect(faults(provider, region, size, arch)).toEqual([]);
  expect(faults(provider, region, size, arch === "arm64" ? "amd64" : "arm64")).toEqual([
    `wrong-arch: ${arch === "arm64" ? "add" : "remove"} \`arch: arm64\`, or choose another size`,
  ]);
}); // prettier-ignore

/** What is said of a worker beside a master that is right, and of how the master is. */
function codes(worker: string, master = "address: 198.51.100.7"): string[] {
  const text = `name: a\ndomain: example.com\nk3s: { version: v1.36.3+k3s1 }\nnodes:\n  - { name: m, role: master, provider: existing, ${master} }\n  - { name: w, role: worker, ${worker} }\n`;
  const loaded = loadCluster(text, "cluster.yaml");
  return loaded.ok ? [] : loaded.diagnostics.map(({ path, code }) => `${path} ${code}`);
}

test("what hangs on a size that is missing is not told", () => {
  expect(codes("provider: aws, region: eu-central-1, arch: arm64")).toEqual([
    "nodes[1].provider missing-field",
  ]);
  expect(codes("provider: existing, arch: arm64")).toEqual([]);
});

test("an existing host with an address may take requests in", () => {
  expect(codes("provider: existing, ingress: true, address: 198.51.100.8")).toEqual([]);
  expect(codes("provider: existing, ingress: true")).toEqual(["nodes[1].ingress unreachable-ingress"]);
  expect(codes("provider: existing", "ingress: true")).toEqual(["nodes[0].provider missing-field"]);
});

test("two hosts without an address are no two at one address", () => {
  expect(codes("provider: existing }\n  - { name: x, role: worker, provider: existing")).toEqual([]);
  expect(codes("provider: existing, address: 198.51.100.7")).toEqual(["nodes[1].address duplicate-address"]);
});
