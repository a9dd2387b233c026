import { describe, expect, test } from "vitest";
import type { ClusterFacts, Wanted } from "./facts.ts";
import { judgeCluster } from "./judge.ts";

const URL = "ssh://git@git.example.net/c.git";
const wanted: Wanted = {
  repository: URL,
  gatewayApi: "1.4.0",
  tunnel: false,
  ageKeys: { aa: "age1cluster", bb: "age1old" },
  recipients: ["age1cluster", "age1recovery"],
};
const crd = (name: string) => ({
  name: `${name}.gateway.networking.k8s.io`,
  version: "v1.4.0",
  channel: "standard",
  helm: "",
});
const healthy: ClusterFacts = {
  crds: [crd("gateways"), crd("httproutes")],
  helmCharts: [],
  traefik: [
    "--providers.kubernetesgateway=true",
    "--providers.kubernetesgateway.experimentalchannel=false",
    "--entrypoints.web.address=:80",
    "--entrypoints.websecure.address=:443",
  ],
  certManager: [
    "--v=2",
    "--dns01-recursive-nameservers-only",
    "--dns01-recursive-nameservers=1.1.1.1:53,8.8.8.8:53",
  ],
  gateways: [
    {
      namespace: "gateway",
      name: "public",
      shim: [],
      listeners: [
        { name: "http", port: 80, secrets: [] },
        { name: "https-wildcard", port: 443, secrets: ["wildcard-tls"] },
      ],
    },
  ],
  certificates: [{ namespace: "gateway", name: "wildcard", secret: "wildcard-tls" }],
  buildOptions: "--enable-alpha-plugins --enable-exec",
  ksops: { install: ["/usr/local/bin/ksops", "install", "/custom-tools"], keyFile: "/sops-age/keys.txt" },
  ageUsers: ["argocd-repo-server/argocd-repo-server"],
  ageKeys: ["aa"],
  ciphertext: [],
  projects: [
    { name: "cluster", sourceRepos: [URL], destinations: ["https://kubernetes.default.svc *"] },
    { name: "default", sourceRepos: [], destinations: [] },
  ],
  differing: [],
};
const [gateway] = healthy.gateways;
if (gateway === undefined) throw new Error("there is one");
const traefik = healthy.traefik ?? [];

/** check: message, of every finding. */
const found = (facts: Partial<ClusterFacts> = {}, other: Partial<Wanted> = {}) =>
  judgeCluster({ ...healthy, ...facts }, { ...wanted, ...other }).map(
    ({ check, message }) => `${check}: ${message}`,
  );

test("a cluster as it should be has no findings", () => {
  expect(found()).toEqual([]);
});

test("a key can't be compared where none is at hand, nor a version that is not locked", () => {
  expect(found({ ageKeys: ["cc"] }, { ageKeys: {}, gatewayApi: "" })).toEqual([]);
});

describe("each fault is told", () => {
  test.each<[Partial<ClusterFacts>, string]>([
    [{ crds: [] }, "gateway-api: the cluster has no HTTPRoute"],
    [{ crds: [crd("gateways"), { ...crd("httproutes"), version: "v1.6.1" }] }, "gateway-api: Gateway API's definitions are v1.6.1, locked is v1.4.0: httproutes"],
    [{ crds: [...healthy.crds, { ...crd("tcproutes"), channel: "experimental" }] }, "gateway-api: definitions of another channel than standard: tcproutes"],
    [{ crds: [crd("gateways"), { ...crd("httproutes"), helm: "traefik-crd" }] }, "gateway-api: Helm says that it owns"],
    [{ helmCharts: ["gateway-api-crd"] }, "gateway-api: K3s brings gateway-api-crd of its own"],
    [{ crds: [...healthy.crds, { name: "apis.hub.traefik.io", version: "", channel: "", helm: "" }] }, "traefik: Traefik Hub's definitions are there"],
    [{ traefik: null }, "traefik: there is no DaemonSet"],
    [{ traefik: [...traefik.slice(2), "--providers.kubernetesgateway.experimentalChannel"] }, "traefik: Traefik waits for the experimental channel"],
    [{ traefik: [...traefik.slice(0, 3), "--entrypoints.websecure.address=:8443/tcp"] }, "traefik: listeners at ports that no entrypoint of Traefik has (80, 8443): gateway/public: https-wildcard (443)"],
    [{ certManager: null }, "certificates: there is no Deployment cert-manager"],
    [{ certManager: [...(healthy.certManager ?? []), "--enable-gateway-api"] }, "certificates: cert-manager makes certificates from Gateways by itself"],
    [{ gateways: [{ ...gateway, shim: ["cert-manager.io/cluster-issuer"] }] }, "certificates: gateway gateway/public asks for a certificate by cert-manager.io/cluster-issuer"],
    [{ certManager: ["--dns01-recursive-nameservers=1.1.1.1:53"] }, "certificates: cert-manager asks the zone's own name servers"],
    [{ certificates: [] }, "certificates: no Certificate makes the Secret gateway/wildcard-tls"],
    [{ buildOptions: "--enable-helm --enable-exec" }, "argocd: argocd-cm's kustomize.buildOptions lacks --enable-alpha-plugins:"],
    [{ ksops: { install: ["/bin/sh", "-c", "mv ksops /custom-tools"], keyFile: "/k" } }, "argocd: the repo-server gets KSOPS by `/bin/sh -c mv"],
    [{ differing: [{ app: "shop", kind: "HTTPRoute", name: "shop" }] }, "argocd: HTTPRoute shop of app shop is applied, and still OutOfSync"],
    [{ ageKeys: null }, "secrets: the Secret argocd/sops-age is not there"],
    [{ ageKeys: [] }, "secrets: the Secret argocd/sops-age holds no age key"],
    [{ ageKeys: ["bb"] }, "secrets: the age key in the cluster is none that .sops.yaml names"],
    [{ ksops: { install: ["ksops", "install", "/x"], keyFile: "" } }, "secrets: the repo-server has no SOPS_AGE_KEY_FILE"],
    [{ ageUsers: [] }, "secrets: the repo-server does not get the Secret sops-age"],
    [{ ageUsers: [...healthy.ageUsers, "argocd-server/argocd-server"] }, "secrets: the age key is also in argocd-server/argocd-server"],
    [{ ciphertext: [{ namespace: "shop", name: "db", key: "password" }] }, "secrets: the Secret shop/db holds ciphertext in password"],
    [{ projects: [...healthy.projects.slice(0, 1), { name: "default", sourceRepos: ["*"], destinations: [] }] }, "argocd: the AppProject `default` allows *"],
    [{ projects: healthy.projects.slice(1) }, "argocd: there is no AppProject `cluster`"],
    [{ projects: [{ name: "cluster", sourceRepos: [URL, "*"], destinations: [] }] }, "argocd: the AppProject `cluster` allows ssh://git@git.example.net/c.git, *"],
  ])("%j", (facts, message) => {
    const all = found(facts);

    expect(all).toHaveLength(1);
    expect(all[0]).toContain(message);
  }); // prettier-ignore
});

test("what is wrong has a fix, and only what the API filled in is a warning", () => {
  const all = judgeCluster(
    { ...healthy, ageKeys: null, differing: [{ app: "a", kind: "HTTPRoute", name: "b" }] },
    wanted,
  );

  expect(all.map(({ severity }) => severity).toSorted()).toEqual(["error", "warning"]);
  expect(all.every(({ fix }) => fix !== "")).toBe(true);
});
