import type { Lock } from "../../config/lock.ts";
import { type ClusterModel, type Gitops, infrastructureOf } from "../../config/model.ts";
import { type FileTree, header, type RenderedFile } from "../file-tree.ts";
import { toYaml } from "../yaml.ts";
import { renderApplications, renderBootstrap } from "./applications.ts";
import { pinHelperPod, renderImages } from "./images.ts";
import { renderGateway, renderIssuers, renderTraefik } from "./ingress.ts";
import { renderVelero } from "./volumes.ts";

/** What `cluster.yaml` and the lock decide below `kubernetes/`; nothing where the cluster follows no repository. */
export function renderKubernetes(model: ClusterModel, lock: Lock): [string, string][] {
  const { gitops, cloudflare, domain } = model;
  if (gitops === null || cloudflare === null) return [];
  const rendered: [string, string][] = [
    ["bootstrap/argocd/cluster.yaml", renderBootstrap(gitops)],
    ["bootstrap/argocd/patches/known-hosts.yaml", renderGitHostKeys(gitops)],
    ["infrastructure/issuers/cluster.yaml", renderIssuers(gitops, cloudflare.zone)],
    ["infrastructure/traefik/cluster.yaml", renderTraefik(model, lock.cloudflareRanges)],
    ["infrastructure/gateway/cluster.yaml", renderGateway(domain, gitops.issuer)],
    ["infrastructure/velero/cluster.yaml", renderVelero(cloudflare)],
  ];
  return [
    ["kubernetes/images/kustomization.yaml", renderImages(lock.images ?? {})],
    ...[
      ...rendered.map(([path, text]): [string, string] => [`kubernetes/${path}`, text]),
      ...renderApplications(gitops, infrastructureOf(model)),
    ].map(([path, text]): [string, string] => [path, header("cluster.yaml") + text]),
  ];
}

/** Upstream's list of git hosts is replaced by the one host with its pinned keys: ArgoCD connects to no other. */
function renderGitHostKeys({ host, port, hostKeys }: Gitops): string {
  const place = port === 22 ? host : `[${host}]:${port}`;
  return toYaml({
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: "argocd-ssh-known-hosts-cm" },
    data: { ssh_known_hosts: hostKeys.map((key) => `${place} ${key}\n`).join("") },
  });
}

const LOCAL_PATH = "kubernetes/infrastructure/local-path/local-path.yaml";

/** Shipped files in which an image stands where kustomize can't pin it. */
export function pinShipped(shipped: FileTree, model: ClusterModel, lock: Lock): FileTree {
  const file = shipped.get(LOCAL_PATH);
  if (model.gitops === null || file === undefined) return shipped;
  const pinned: RenderedFile = { ...file, text: pinHelperPod(file.text, lock.images ?? {}) };
  return new Map([...shipped, [LOCAL_PATH, pinned]]);
}
