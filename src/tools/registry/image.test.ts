import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { parseAllDocuments } from "yaml";
import { PRODUCT_ROOT } from "../../repository/shipped.ts";
import { MANIFESTS } from "../downloads/manifests.ts";
import { imagesOf, parseImage } from "./image.ts";

const digest = `sha256:${"ab".repeat(32)}`;

test.each([
  ["busybox", "registry-1.docker.io", "library/busybox", "latest", ""],
  ["you/app:1", "registry-1.docker.io", "you/app", "1", ""],
  ["docker.io/library/traefik:v3.6.0", "registry-1.docker.io", "library/traefik", "v3.6.0", ""],
  ["localhost:5000/app:1", "localhost:5000", "app", "1", ""],
  [`ghcr.io/you/app:1@${digest}`, "ghcr.io", "you/app", "1", digest],
  [`ghcr.io/you/app@${digest}`, "ghcr.io", "you/app", "latest", digest],
])("reads %s", (reference, server, path, tag, found) => {
  expect(parseImage(reference)).toEqual({ server, path, tag, digest: found });
});

test.each(["", "ghcr.io/", "Ghcr/App", "a b", "ghcr.io/you/app:", "https://ghcr.io/you/app"])(
  "refuses %j",
  (text) => {
    expect(() => parseImage(text)).toThrow("not the name of an image");
  },
);

test("every image of workloads is found, also in a pod that stands as text, and none of a definition", () => {
  const manifests = [
    "kind: Deployment\nmetadata: { name: a }\nspec: { template: { spec: { containers: [{ image: b:1 }], initContainers: [{ image: a:1 }] } } }\n",
    "kind: ConfigMap\nmetadata: { name: c }\ndata:\n  pod: |\n    kind: Pod\n    spec:\n      containers: [{ image: c:1 }]\n",
    "kind: Deployment\nmetadata: { name: left-out }\nspec: { template: { spec: { containers: [{ image: d:1 }] } } }\n",
    "kind: CustomResourceDefinition\nspec: { properties: { image: e:1 } }\n",
  ].join("---\n");

  expect(imagesOf(manifests, ["left-out"])).toEqual(["a:1", "b:1", "c:1"]);
});

test("the workloads whose images are not looked for are those that the kustomization deletes", () => {
  const removed = readFileSync(
    join(PRODUCT_ROOT, "kubernetes/bootstrap/argocd/patches/removed.yaml"),
    "utf8",
  );
  const workloads = parseAllDocuments(removed)
    .map((document) => document.toJS() as { kind: string; metadata: { name: string } })
    .filter(({ kind }) => kind === "Deployment")
    .map(({ metadata }) => metadata.name);

  expect(workloads.toSorted()).toEqual(MANIFESTS.argocd.without.toSorted());
});
