import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { loadCluster } from "../config/load.ts";
import { renderTfvars } from "./tfvars.ts";

/** The example as one who brings the servers has it. */
const EXAMPLE = readFileSync(new URL("../../examples/three-clouds/cluster.yaml", import.meta.url), "utf8")
  .replace(/^cloudflare:[^]*?\n\n/m, "")
  .replaceAll("    ingress: true\n", "");
const CLOUDFLARE = `cloudflare: { accountId: ${"0f".repeat(16)} }\nssh: { publicKey: ssh-ed25519 AAAA me }\n`;

function tfvars(text: string, servers = {}): Record<string, Record<string, unknown>> {
  const loaded = loadCluster(text, "cluster.yaml");
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.diagnostics));
  return Object.fromEntries(
    renderTfvars(loaded.value, servers).map(([path, json]) => [
      path.split("/")[2] ?? "",
      JSON.parse(json) as Record<string, unknown>,
    ]),
  );
}

test("without Cloudflare nothing is created", () => {
  expect(tfvars(EXAMPLE)).toEqual({});
});

test("each provider's stack is told of its own servers, the master being protected", () => {
  const { hetzner, vultr, aws } = tfvars(
    `${CLOUDFLARE}${EXAMPLE.replace("size: t3.medium", "size: t3.medium\n    ingress: true")}`,
  );

  expect(hetzner).toEqual({
    cluster: "three-clouds",
    state: { bucket: "three-clouds-state", endpoint: `https://${"0f".repeat(16)}.r2.cloudflarestorage.com` },
    ssh_public_key: "ssh-ed25519 AAAA me",
    servers: {
      "hetzner-1": {
        role: "master",
        region: "fsn1",
        size: "cx33",
        arch: "amd64",
        ingress: false,
        protected: true,
      },
    },
  });
  expect(vultr?.["servers"]).toMatchObject({ "vultr-1": { protected: false } });
  expect(aws?.["servers"]).toMatchObject({ "aws-1": { ingress: true } });
});

test("names lead to the ingress nodes that have an address", () => {
  const text = `${CLOUDFLARE}${EXAMPLE.replaceAll("role: worker", "role: worker\n    ingress: true")}`;
  const server = { publicIp: "198.51.100.7", sshUser: "root", sshHostKey: "ssh-ed25519 AAAA" };

  expect(tfvars(text)["cloudflare"]?.["ingress"]).toEqual({});
  expect(
    tfvars(text, {
      "vultr-1": { ...server, publicIpv6: "2001:db8::7" },
      "hetzner-1": server,
      "aws-1": { ...server, publicIp: "", meshIp: "100.64.0.3" },
    })["cloudflare"],
  ).toEqual({
    cluster: "three-clouds",
    state: { bucket: "three-clouds-state", endpoint: `https://${"0f".repeat(16)}.r2.cloudflarestorage.com` },
    account_id: "0f".repeat(16),
    zone: "example.com",
    domain: "example.com",
    proxied: false,
    tunnel: false,
    ingress: { "vultr-1": { ipv4: "198.51.100.7", ipv6: "2001:db8::7" } },
    backup_bucket: "three-clouds-backups",
    backup_lock_days: 7,
  });
});
