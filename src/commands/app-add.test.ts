import { expect, test } from "vitest";
import { parse } from "yaml";
import type { Gitops } from "../config/model.ts";
import type { AppAddOptions } from "./app-add.ts";
import { appManifests } from "./app-manifests.ts";
import type { App } from "./app-shape.ts";
import { checkFields, type Neighbour } from "./app-rules.ts";

const gitops: Gitops = {
  repository: "ssh://git@github.com/you/cluster.git",
  host: "github.com",
  port: 22,
  branch: "main",
  hostKeys: ["ssh-ed25519 AAAA"],
  email: "you@example.com",
  issuer: "production",
};
const model = { domain: "example.com" };
const options: AppAddOptions = {
  name: "shop",
  image: "ghcr.io/you/shop:1.0",
  port: 8080,
  host: "shop.example.com",
  replicas: 1,
  json: false,
  commit: false,
  push: false,
};
const image = `ghcr.io/you/shop:1.0@sha256:${"0".repeat(64)}`;
const network = { podCidr: "10.42.0.0/16", serviceCidr: "10.43.0.0/16" };
const manifests = (change: Partial<AppAddOptions> = {}, more: Partial<App> = {}) => {
  const fields = checkFields({ ...options, ...change }, model, []);
  const files = appManifests({ ...fields, image, hasPullSecret: false, ...more }, gitops, network);
  return new Map([...files].map(([file, text]) => [file, parse(text) as Record<string, never>]));
};

test("an app is plain manifests, each named by its kustomization", () => {
  const files = manifests();
  const listed = (files.get("kustomization.yaml") as unknown as { resources: string[] }).resources;
  expect(
    [...files.keys()].filter((file) => !/^(application|kustomization|namespace)\.yaml$/.test(file)).sort(),
  ).toEqual([...listed].sort());
  expect(files.get("application.yaml")).toMatchObject({
    metadata: { name: "shop", namespace: "argocd", finalizers: ["resources-finalizer.argocd.argoproj.io"] },
    spec: {
      project: "cluster",
      source: { repoURL: gitops.repository, targetRevision: "main", path: "kubernetes/apps/shop" },
      syncPolicy: { automated: { prune: true, selfHeal: true } },
    },
  });
});

test("the pod meets the strictest Pod Security profile, which its namespace enforces", () => {
  const files = manifests({ health: "/healthz" });
  expect(files.get("namespace.yaml")).toMatchObject({
    metadata: { labels: { "pod-security.kubernetes.io/enforce": "restricted", "infra-k3s/routes": "true" } },
  });
  // https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted
  expect(files.get("deployment.yaml")).toMatchObject({
    spec: {
      template: {
        spec: {
          securityContext: { runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } },
          containers: [
            {
              image,
              securityContext: {
                allowPrivilegeEscalation: false,
                capabilities: { drop: ["ALL"] },
                readOnlyRootFilesystem: true,
              },
              readinessProbe: { httpGet: { path: "/healthz", port: "http" } },
            },
          ],
        },
      },
    },
  });
});

test("nothing of the route is left for the API to fill in", () => {
  const { spec } = manifests().get("httproute.yaml") as unknown as {
    spec: Record<string, Record<string, unknown>[]>;
  };
  expect(spec["parentRefs"]).toEqual([
    {
      group: "gateway.networking.k8s.io",
      kind: "Gateway",
      name: "public",
      namespace: "gateway",
      sectionName: "https-wildcard",
    },
  ]);
  expect(spec["rules"]).toMatchObject([
    {
      matches: [{ path: { type: "PathPrefix", value: "/" } }],
      backendRefs: [{ group: "", kind: "Service", name: "shop", port: 80, weight: 1 }],
    },
  ]);
});

test("nothing waits for another part: a new commit is taken while a Deployment is not healthy", () => {
  const texts = [...manifests().values()].map((one) => JSON.stringify(one));
  expect(texts.length).toBeGreaterThan(4);
  for (const text of texts) expect(text).not.toContain("sync-wave");
});

test("data is guarded: neither the volume nor its namespace goes with a commit", () => {
  const files = manifests({ volume: "5Gi:/data" });
  const guard = { "argocd.argoproj.io/sync-options": "Prune=false,Delete=false" };
  expect(files.get("volume.yaml")).toMatchObject({
    metadata: { annotations: guard },
    spec: { resources: { requests: { storage: "5Gi" } } },
  });
  expect(files.get("namespace.yaml")).toMatchObject({ metadata: { annotations: guard } });
  expect(files.get("deployment.yaml")).toMatchObject({ spec: { strategy: { type: "Recreate" } } });
});

test("a pull secret is opened by KSOPS and used by the pod", () => {
  const files = manifests({}, { hasPullSecret: true });
  expect(files.get("kustomization.yaml")).toMatchObject({ generators: ["secrets.yaml"] });
  expect(files.get("secrets.yaml")).toMatchObject({ kind: "ksops", files: ["./pull-secret.sops.yaml"] });
  expect(files.get("deployment.yaml")).toMatchObject({
    spec: { template: { spec: { imagePullSecrets: [{ name: "shop-pull" }] } } },
  });
});

test("the app reaches names and the internet, and neither the cluster nor a cloud's metadata", () => {
  const { spec } = manifests().get("networkpolicy.yaml") as unknown as {
    spec: { ingress: unknown; egress: { to: { ipBlock?: { except: string[] } }[] }[] };
  };
  expect(spec.ingress).toEqual([{ ports: [{ port: 8080, protocol: "TCP" }] }]);
  const except = spec.egress.flatMap(({ to }) => to).flatMap(({ ipBlock }) => ipBlock?.except ?? []);
  expect(except).toEqual(expect.arrayContaining(["10.0.0.0/8", "100.64.0.0/10", "169.254.0.0/16"]));
});

test("the domain itself has the listener of the apex", () => {
  expect(checkFields({ ...options, host: "example.com" }, model, []).listener).toBe("https-apex");
});

const other: Neighbour = { name: "blog", hosts: ["blog.example.com"], namespace: "web" };
test("an app in the namespace of another does not bring it", () => {
  const fields = checkFields({ ...options, namespace: "web" }, model, [other]);
  expect(fields.namespaceIsThere).toBe(true);
  const files = appManifests({ ...fields, image, hasPullSecret: false }, gitops, network);
  expect(files.has("namespace.yaml")).toBe(false);
});

test.each<[string, Partial<AppAddOptions>]>([
  ["is too deep in example.com", { host: "a.b.example.com" }],
  ["is not in example.com", { host: "shop.example.org" }],
  ["is not in example.com", { host: "notexample.com" }],
  ["webhook comes in there", { host: "argocd.example.com" }],
  ["the app blog has it", { host: "blog.example.com" }],
  ["is the cluster's own", { namespace: "kube-system" }],
  ["is the cluster's own", { namespace: "traefik" }],
  ["is a part of the cluster itself", { name: "gateway-api", namespace: "x" }],
  ["is no name", { name: "Shop" }],
  ["above 1023", { port: 80 }],
  ["with one replica", { volume: "1Gi:/data", replicas: 2 }],
  ["it is SIZE:PATH", { volume: "/data" }],
  ["it starts with /", { health: "healthz" }],
  ["root, 0, is not let in", { user: 0 }],
])("%s: refused, and said why", (why, change) => {
  expect(() => checkFields({ ...options, ...change }, model, [other])).toThrow(why);
});
