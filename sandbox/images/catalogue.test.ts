import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { Artifacts, GitopsArtifacts } from "../artifacts/artifacts.ts";
import { PRODUCT_ROOT } from "../../src/repository/shipped.ts";
import { REGISTRY_NAMES } from "../services/names.ts";
import { catalogue, unserved } from "./catalogue.ts";

const tree = { files: {}, links: {} };
const named = new Proxy({} as Artifacts & GitopsArtifacts, { get: (_, name) => String(name) });
const images = catalogue(named, named, {
  pause: "pause",
  probe: "probe",
  busybox: "busybox",
  applets: ["sh"],
  gitops: { echo: "echo", argocdTools: tree, redis: tree },
});
// cloudflared is not to be had here: docs/evidence.md.
const shipped = globSync("kubernetes/**/*.yaml", { cwd: PRODUCT_ROOT, exclude: ["**/tunnel/**"] }).map(
  (path) => readFileSync(join(PRODUCT_ROOT, path), "utf8"),
);

test("every image that the product's own manifests name is served", () => {
  expect(shipped.join("\n")).toContain("image: docker.io/rancher/local-path-provisioner:");
  expect(unserved(shipped, images)).toEqual([]);
});

test("an image that is not served is told, once, and another tag of a served one too", () => {
  const text = `
      containers:
        - image: quay.io/argoproj/argocd:v9.9.9
          imagePullPolicy: Always
        - name: pinned
          image: "docker.io/library/busybox:1.35.0@sha256:00"
      initContainers:
        - image: quay.io/argoproj/argocd:v9.9.9
        - image: ghcr.io/you/app:1 # a remark
`;
  expect(unserved([text], images)).toEqual(["quay.io/argoproj/argocd:v9.9.9", "ghcr.io/you/app:1"]);
});

test("every registry that the product's own manifests name is answered for", () => {
  const registries = shipped.flatMap((text) =>
    [...text.matchAll(/image:\s*([^\s/]+)\//g)].map(([, name]) => name),
  );
  const answered = new Set<string | undefined>(REGISTRY_NAMES.map((name) => name.replace("registry-1.", "")));
  expect(registries.filter((name) => !answered.has(name))).toEqual([]);
});

test("no image is there twice, and each program of ArgoCD's is the one program under another name", () => {
  const names = images.map(({ repository, tag }) => `${repository}:${tag}`);
  expect(new Set(names).size).toBe(names.length);
  const argocd = images.find(({ repository }) => repository === "argoproj/argocd");
  expect(argocd?.files["usr/local/bin/argocd"]).toBe("argocd");
  expect(argocd?.links).toMatchObject({
    "usr/local/bin/argocd-server": "argocd",
    "usr/local/bin/argocd-repo-server": "argocd",
    "usr/local/bin/argocd-application-controller": "argocd",
  });
});
