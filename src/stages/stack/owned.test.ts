import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { loadCluster } from "../../config/load.ts";
import { type Thing, thing } from "../../tools/inventory/thing.ts";
import { owned } from "./owned.ts";

const EXAMPLE = readFileSync(new URL("../../../examples/three-clouds/cluster.yaml", import.meta.url), "utf8");
const loaded = loadCluster(EXAMPLE, "cluster.yaml");
if (!loaded.ok) throw new Error(JSON.stringify(loaded.diagnostics));

const at = (type: string, id: string, address: string, more: Partial<Thing> = {}) =>
  thing({ provider: more.provider ?? "hetzner", type }, { id, name: id, address, ...more });
const server = (node: string, id: string) =>
  at("hcloud_server", id, `module.server["${node}"].hcloud_server.this`, { billed: true, created: id });
const record = (node: string) =>
  at("cloudflare_dns_record", node, `module.dns.cloudflare_dns_record.ingress["apex-${node}-A"]`, {
    provider: "cloudflare",
  });

test.each([
  ["a declared node's server", [server("hetzner-1", "1")], "declared"],
  ["a server of a name that is not declared", [server("hetzner-9", "1")], "orphan"],
  ["a server at another provider than its node", [server("vultr-1", "1")], "orphan"],
  [
    "the key that a provider's servers share",
    [at("hcloud_ssh_key", "1", "hcloud_ssh_key.admin[0]")],
    "declared",
  ],
  ["a record of an ingress node", [record("vultr-1")], "declared"],
  ["a record of a node that takes nothing in", [record("aws-1")], "orphan"],
  ["a record of an address that no server has", [record("192.0.2.1")], "orphan"],
  [
    "the bucket of the backups",
    [
      at("cloudflare_r2_bucket", "three-clouds-backups", "module.r2.cloudflare_r2_bucket.backups", {
        provider: "cloudflare",
        billed: true,
      }),
    ],
    "declared",
  ],
])("%s", (_, things, state) => {
  expect(owned(loaded.value, things, []).map((one) => one.state)).toEqual([state]);
});

test("of two servers of a name the one in use is the declared one", () => {
  const both = [server("hetzner-1", "1"), server("hetzner-1", "2")];

  expect(owned(loaded.value, both, ["2"]).map(({ id, state }) => [id, state])).toEqual([
    ["1", "double"],
    ["2", "declared"],
  ]);
});
