import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { loadCluster } from "./load.ts";
import { type ClusterModel, kubernetesOf, masterOf, sshAddress } from "./model.ts";

function modelOf(text: string): ClusterModel {
  const loaded = loadCluster(text, "cluster.yaml");
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.diagnostics));
  return loaded.value;
}
const example = (name: string) => readFileSync(new URL(`../../examples/${name}/cluster.yaml`, import.meta.url), "utf8"); // prettier-ignore
const cluster = (more: string) => `name: a\ndomain: example.com\nk3s: { version: v1.36.3+k3s1 }\n${more}`;
const MASTER = "{ name: m, role: master, provider: existing, address: 198.51.100.7 }";

test("an existing host has an address or is behind a NAT, and no region and size", () => {
  const host = { provider: "existing", region: "", size: "", arch: "amd64", ingress: false };

  expect(modelOf(cluster(`nodes: [{ name: w, role: worker, provider: existing }, ${MASTER}]\n`)).nodes).toEqual([
    { ...host, name: "m", role: "master", address: "198.51.100.7", behindNat: false, meshName: "a-m" },
    { ...host, name: "w", role: "worker", address: "", behindNat: true, meshName: "a-w" },
  ]); // prettier-ignore
});

const dns = (serviceCidr: string) => modelOf(cluster(`network: { serviceCidr: ${serviceCidr} }\nnodes: [${MASTER}]\n`)).network.clusterDns; // prettier-ignore

test("the cluster's DNS has the tenth address of the Services' network", () => {
  expect(dns("10.43.0.0/16")).toBe("10.43.0.10");
  expect(dns("10.43.7.16/28")).toBe("10.43.7.26");
});

test("certificates are of the issuer that is named", () => {
  const text = example("everything").replace(/^tls:[^]*?\n(?=\S)/m, "");

  expect(modelOf(`${text}tls: { email: a@example.com, issuer: staging }\n`).gitops).toMatchObject({
    email: "a@example.com",
    issuer: "staging",
  });
});

test("of kubernetes/ a cluster has what it uses", () => {
  expect(kubernetesOf(modelOf(example("existing-hosts")))).toEqual([
    "infrastructure/local-path/local-path.yaml",
  ]);
  expect(kubernetesOf(modelOf(example("everything")))).toEqual([
    "bootstrap/**/*",
    ...["gateway-api", "cert-manager", "issuers", "traefik", "gateway", "local-path", "velero"].map(
      (part) => `infrastructure/${part}/**/*`,
    ),
  ]);
});

test("the master is the first node", () => {
  const model = modelOf(example("three-clouds"));

  expect(masterOf(model).name).toBe("hetzner-1");
  expect(() => masterOf({ ...model, nodes: model.nodes.slice(1) })).toThrow("a master first");
  expect(() => masterOf({ ...model, nodes: [] })).toThrow("a master first");
});

test("SSH finds a server by its public address, else over the mesh", () => {
  const server = { publicIp: "", sshUser: "root", sshHostKey: "" };

  expect(sshAddress({ ...server, publicIp: "198.51.100.7", meshIp: "100.64.0.7" })).toBe("198.51.100.7");
  expect(sshAddress({ ...server, meshIp: "100.64.0.7" })).toBe("100.64.0.7");
});
