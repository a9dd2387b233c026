import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { loadCluster } from "../../config/load.ts";
import { LockSchema } from "../../config/lock.ts";
import { kubernetesOf } from "../../config/model.ts";
import { render } from "../../render/render.ts";
import { readShipped } from "../../repository/shipped.ts";
import { sortBootstrap } from "./manifests.ts";
import type { Look } from "./parse.ts";
import { bootstrapReasons } from "./plan.ts";
import { DEPLOY_KEY, DNS_TOKEN, TUNNEL, WEBHOOK } from "./sealed.ts";

const ROOT = join(import.meta.dirname, "../../..");
const read = (path: string) => readFileSync(join(ROOT, path), "utf8");
const loaded = loadCluster(read("examples/everything/cluster.yaml"), "cluster.yaml");
if (!loaded.ok || loaded.value.gitops === null)
  throw new Error("the example is valid, and follows a repository");
const { gitops } = loaded.value;
const lock = LockSchema.parse(JSON.parse(read("test/golden/everything/versions.lock.json")));
const tree = render(loaded.value, {}, lock, readShipped([], kubernetesOf(loaded.value)));
const textOf = (path: string) => tree.get(path)?.text ?? "";

const sourceOf = (one: unknown) =>
  (one as { spec: { source: { repoURL: string; targetRevision: string } } }).spec.source;
const reposOf = (one: unknown) => (one as { spec: { sourceRepos: string[] } }).spec.sourceRepos;

test("a cluster that was brought up with what is rendered needs no second bootstrap", () => {
  const patch =
    [...tree].find(([, { text }]) => /name: argocd-ssh-known-hosts-cm/.test(text))?.[1].text ?? "";
  const config = parse(patch) as { data: { ssh_known_hosts: string } };
  const repoServer = {
    kind: "Deployment",
    metadata: { name: "argocd-repo-server" },
    spec: { template: { spec: { containers: [{ name: "argocd-repo-server", image: "argocd@sha256:0" }] } } },
  };
  const yaml = [textOf("kubernetes/bootstrap/argocd/cluster.yaml"), repoServer, config]
    .map((part) => (typeof part === "string" ? part : JSON.stringify(part)))
    .join("\n---\n");
  const { applications, projects } = sortBootstrap(yaml);
  const look: Look = {
    ageKeys: null,
    repository: null,
    knownHosts: config.data.ssh_known_hosts,
    projects: Object.fromEntries(projects.map((one) => [one.metadata.name, reposOf(one)])),
    applications: applications.map((one) => ({
      ...sourceOf(one), name: one.metadata.name, sync: "", revision: "", health: "",
      conditions: [], operation: { phase: "", message: "" }, failed: [], children: [],
    })),
  }; // prettier-ignore
  expect(bootstrapReasons(look, { gitops, ageKeys: "", deployKey: "" })).toEqual([]);
});

test("each file that is sealed is one that ArgoCD opens; the deploy key is none of them", () => {
  const generators = ["bootstrap", "infrastructure/issuers", "infrastructure/tunnel"].flatMap((folder) => {
    const text = read(`kubernetes/${folder}/secrets.yaml`);
    const { files } = parse(text) as { files: string[] };
    return files.map((file) => join("kubernetes", folder, file));
  });
  expect(generators.sort()).toEqual([DNS_TOKEN.path, TUNNEL.path, WEBHOOK.path].sort());
  expect(generators).not.toContain(DEPLOY_KEY.path);
});

test("the Secrets are those that the manifests name", () => {
  expect(textOf("kubernetes/infrastructure/issuers/cluster.yaml")).toMatch(
    new RegExp(`name: ${DNS_TOKEN.name}\\s+key: ${DNS_TOKEN.key}`),
  );
  expect(read("kubernetes/infrastructure/tunnel/tunnel.yaml")).toContain(
    `secretKeyRef: { name: ${TUNNEL.name}, key: ${TUNNEL.key} }`,
  );
  const patches = [...tree].filter(([path]) => path.startsWith("kubernetes/bootstrap/argocd/patches/"));
  expect(patches.map(([, { text }]) => text).join("")).toContain(
    Buffer.from(`$${WEBHOOK.name}:${WEBHOOK.key}`).toString("base64"),
  );
});
