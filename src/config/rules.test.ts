import { expect, test } from "vitest";
import { loadCluster } from "./load.ts";

const MASTER = "{ name: m, role: master, provider: hetzner, region: fsn1, size: cx33, ingress: true }";

function codes(version: string, more = "", nodes = `[${MASTER}]`): string[] {
  const text = `name: a\ndomain: example.com\nk3s: { version: ${version} }\nnodes: ${nodes}\n${more}`;
  const loaded = loadCluster(text, "cluster.yaml");
  return loaded.ok ? [] : loaded.diagnostics.map(({ path, code }) => `${path} ${code}`);
}

test.each(["1.33.13", "1.34.9", "1.35.6", "1.36.2", "1.36.10", "1.37.0", "2.0.0"])("K3s %s is new enough", (version) => {
  expect(codes(`v${version}+k3s1`)).toEqual([]);
}); // prettier-ignore

test.each(["1.32.99", "1.9.0", "1.33.12", "1.34.8", "1.35.5", "1.36.1"])("K3s %s is too old", (version) => {
  expect(codes(`v${version}+k3s1`)).toEqual(["k3s.version k3s-too-old"]);
}); // prettier-ignore

const CLOUDFLARE = `cloudflare: { accountId: ${"a1".repeat(16)}`;

test.each([
  ["example.com", []],
  ["com", ["cloudflare.zone invalid-value"]],
  ["ample.com", ["cloudflare.zone domain-outside-zone"]],
  ["a.example.com", ["cloudflare.zone domain-outside-zone"]],
])("a domain example.com and the zone %s", (zone, expected) => {
  expect(codes("v1.36.3+k3s1", `${CLOUDFLARE}, zone: ${zone} }\n`)).toEqual(expected);
});

test("a domain lies in the zone above it", () => {
  const text = `name: a\ndomain: k.example.com\nk3s: { version: v1.36.3+k3s1 }\nnodes: [${MASTER}]\n${CLOUDFLARE}, zone: example.com }\n`;

  expect(loadCluster(text, "cluster.yaml")).toMatchObject({ ok: true });
});

test.each([
  ["backups: { bucket: a-state }", ["backups.bucket same-bucket"]],
  ["state: { bucket: a-backups }", ["state.bucket same-bucket"]],
  ["backups: { bucket: one-two }\nstate: { bucket: one-two }", ["backups.bucket same-bucket"]],
  ["backups: { bucket: a-backups }\nstate: { bucket: a-state }", []],
  // So many snapshots as K3s may look at, and a day's more.
  ["backups: { lockDays: 999, snapshots: { everyMinutes: 360 } }", []],
  ["backups: { lockDays: 1000, snapshots: { everyMinutes: 360 } }", ["backups too-many-snapshots"]],
])("%s", (text, expected) => {
  expect(codes("v1.36.3+k3s1", `${CLOUDFLARE} }\n${text}\n`)).toEqual(expected);
});

const pool = (count: number) =>
  `pools: [{ name: web, provider: vultr, region: fra, size: vc2-2c-4gb, ingress: true, count: ${count} }]\n`;

test("a pool of at least one is a way in, one of none is not", () => {
  const nodes = `[${MASTER.replace(", ingress: true", "")}]`;

  expect(codes("v1.36.3+k3s1", `${CLOUDFLARE} }\n${pool(1)}`, nodes)).toEqual([]);
  expect(codes("v1.36.3+k3s1", `${CLOUDFLARE} }\n${pool(0)}`, nodes)).toEqual(["cloudflare no-ingress"]);
});

test("an e-mail address that is missing is told where it belongs", () => {
  const gitops = `gitops: { repository: git@github.com:you/c.git, hostKeys: [ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl] }\n`;

  expect(codes("v1.36.3+k3s1", `${CLOUDFLARE} }\n${gitops}`)).toEqual(["gitops missing-email"]);
  expect(codes("v1.36.3+k3s1", `${CLOUDFLARE} }\n${gitops}tls: { issuer: staging }\n`)).toEqual([
    "tls missing-email",
  ]);
});
