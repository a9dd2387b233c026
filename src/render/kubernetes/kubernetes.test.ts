import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { parse, parseAllDocuments } from "yaml";
import { loadCluster } from "../../config/load.ts";
import { LockSchema } from "../../config/lock.ts";
import { infrastructureOf } from "../../config/model.ts";
import { pinHelperPod, renderImages } from "./images.ts";
import { renderTraefik } from "./ingress.ts";
import { pinShipped, renderKubernetes } from "./kubernetes.ts";

const read = (path: string) => readFileSync(new URL(`../../../${path}`, import.meta.url), "utf8");
const EXAMPLE = read("examples/everything/cluster.yaml");
const lock = LockSchema.parse(JSON.parse(read("test/golden/everything/versions.lock.json")));

function modelOf(text: string) {
  const loaded = loadCluster(text, "cluster.yaml");
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.diagnostics));
  return loaded.value;
}
const rendered = (text: string) => Object.fromEntries(renderKubernetes(modelOf(text), lock));
const TUNNEL = EXAMPLE.replace("  proxied: true", "  tunnel: true").replaceAll("    ingress: true\n", "");

interface Application {
  metadata: { name: string; annotations: Record<string, string> };
  spec: { project: string; source: { repoURL: string; path: string } };
}

test("without GitOps nothing is rendered, and only the storage class is shipped", () => {
  const model = modelOf(read("examples/three-clouds/cluster.yaml"));

  expect(renderKubernetes(model, lock)).toEqual([]);
  expect(infrastructureOf(model)).toEqual(["local-path"]);
});

test("every part has an Application of its own, in an order in which nothing waits for something later", () => {
  const applications = Object.entries(rendered(TUNNEL))
    .filter(([path]) => path.endsWith("/application.yaml"))
    .map(([, text]) => parse(text) as Application)
    .map(({ metadata }) => [Number(metadata.annotations["argocd.argoproj.io/sync-wave"]), metadata.name]);

  expect(applications.toSorted(([a], [b]) => Number(a) - Number(b)).map(([, name]) => name)).toEqual([
    "argocd", "gateway-api", "cert-manager", "issuers", "traefik", "gateway", "local-path", "velero", "tunnel", "apps",
  ]); // prettier-ignore
});

test("nothing comes from another repository than the cluster's own", () => {
  const files = rendered(EXAMPLE);
  const bootstrap = parseAllDocuments(files["kubernetes/bootstrap/argocd/cluster.yaml"] ?? "").map(
    (document) =>
      document.toJS() as { kind: string; metadata: { name: string }; spec: Record<string, unknown> },
  );

  expect(bootstrap.map(({ kind, metadata }) => `${kind} ${metadata.name}`)).toEqual([
    "AppProject cluster",
    "AppProject default",
    "Application cluster",
  ]);
  expect(bootstrap.map(({ spec }) => spec["sourceRepos"])).toEqual([
    ["ssh://git@github.com/you/cluster.git"],
    [],
    undefined,
  ]);
  const repositories = Object.values(files).flatMap((text) =>
    [...text.matchAll(/repoURL: (.*)/g)].map(([, url]) => url),
  );
  expect(new Set(repositories)).toEqual(new Set(["ssh://git@github.com/you/cluster.git"]));
});

const traefik = (text: string) => rendered(text)["kubernetes/infrastructure/traefik/cluster.yaml"];

test("a client's address is believed to Cloudflare's edge alone, and only where it is in front", () => {
  expect(traefik(EXAMPLE)).toContain(
    "--entrypoints.websecure.forwardedheaders.trustedips=173.245.48.0/20,103.21.244.0/22,2400:cb00::/32",
  );
  expect(traefik(EXAMPLE.replace("  proxied: true\n", ""))).not.toContain("trustedips");
  expect(traefik(TUNNEL)).not.toContain("trustedips");
  // A lock that is older than the edge in front.
  expect(renderTraefik(modelOf(EXAMPLE), undefined)).toContain(
    "--entrypoints.web.forwardedheaders.insecure=false",
  );
});

test("the git host's keys carry its port where that is not the usual one", () => {
  const text = EXAMPLE.replace("github.com/you", "git.example.com:2222/you");

  expect(rendered(text)["kubernetes/bootstrap/argocd/patches/known-hosts.yaml"]).toContain(
    "[git.example.com]:2222 ssh-ed25519 AAAA",
  );
});

test("each of the git host's keys is a line of its own", () => {
  const model = modelOf(EXAMPLE);
  const gitops = { ...model.gitops!, hostKeys: ["ssh-ed25519 AAAA", "ssh-rsa BBBB"] };
  const files = new Map(renderKubernetes({ ...model, gitops }, lock));
  const patch = files.get("kubernetes/bootstrap/argocd/patches/known-hosts.yaml") ?? "";

  expect(parse(patch)).toMatchObject({
    data: { ssh_known_hosts: "github.com ssh-ed25519 AAAA\ngithub.com ssh-rsa BBBB\n" },
  });
});

test("an image is its name, its tag and its digest; without a tag it is the latest", () => {
  const digest = `sha256:${"0".repeat(64)}`;
  const text = renderImages({ "registry.example.com:5000/a/b:1.0-x": digest, "quay.io/c": digest });

  expect((parse(text) as { images: unknown }).images).toEqual([
    { name: "registry.example.com:5000/a/b", newTag: "1.0-x", digest },
    { name: "quay.io/c", newTag: "latest", digest },
  ]);
});

test("the image of a pod that stands as text is pinned, too, where there are digests", () => {
  const path = "kubernetes/infrastructure/local-path/local-path.yaml";
  const shipped = new Map([[path, { text: read(path), mode: 0o644 as const }]]);
  const pinned = (text: string) => pinShipped(shipped, modelOf(text), lock).get(path)?.text;

  expect(pinned(EXAMPLE)).toMatch(/ image: docker.io\/library\/busybox:1\.35\.0@sha256:[0-9a-f]{64}\n/);
  expect(pinned(read("examples/three-clouds/cluster.yaml"))).toBe(read(path));
  expect(pinHelperPod(read(path), {})).toBe(read(path));
});
