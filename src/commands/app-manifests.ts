import type { Gitops } from "../config/model.ts";
import { toYaml } from "../render/yaml.ts";
import type { App } from "./app-shape.ts";
import { httpRoute, networkPolicy, service } from "./app-network.ts";
import { deployment } from "./app-workload.ts";

export const PULL_SECRET_FILE = "pull-secret.sops.yaml";

/** Data is never taken away because a commit no longer names it. https://argo-cd.readthedocs.io/en/stable/user-guide/sync-options/ */
const GUARD = { "argocd.argoproj.io/sync-options": "Prune=false,Delete=false" };

/**
 * The files of one app, by their names in its folder: plain manifests, the user's own from then on. What the API would fill in
 * of a route is written out, so that ArgoCD sees no difference; a route comes last, when there is something to lead to.
 */
export function appManifests(
  app: App,
  gitops: Gitops,
  network: { podCidr: string; serviceCidr: string },
): Map<string, string> {
  const files: [string, unknown][] = [
    ["application.yaml", application(app, gitops)],
    ["kustomization.yaml", kustomization(app)],
    ...(app.namespaceIsThere ? [] : [["namespace.yaml", namespaceOf(app)] as [string, unknown]]),
    ["deployment.yaml", deployment(app)],
    ["service.yaml", service(app)],
    ["httproute.yaml", httpRoute(app)],
    ["networkpolicy.yaml", networkPolicy(app, network)],
    ...(app.volume === undefined ? [] : [["volume.yaml", volume(app, app.volume.size)] as [string, unknown]]),
    ...(app.hasPullSecret
      ? [["secrets.yaml", secretsGenerator([PULL_SECRET_FILE])] as [string, unknown]]
      : []),
  ];
  return new Map(files.map(([file, manifest]) => [file, toYaml(manifest)]));
}

function application({ name, namespace }: App, { repository, branch }: Gitops): object {
  return {
    apiVersion: "argoproj.io/v1alpha1",
    kind: "Application",
    // The app's folder taken out takes it out of the cluster.
    metadata: { name, namespace: "argocd", finalizers: ["resources-finalizer.argocd.argoproj.io"] },
    spec: {
      project: "cluster",
      source: { repoURL: repository, targetRevision: branch, path: `kubernetes/apps/${name}` },
      destination: { server: "https://kubernetes.default.svc", namespace },
      syncPolicy: {
        automated: { prune: true, selfHeal: true, allowEmpty: false },
        syncOptions: ["ServerSideApply=true", "FailOnSharedResource=true"],
        // Until it succeeds, with what git has by then.
        retry: { limit: -1, refresh: true, backoff: { duration: "5s", factor: 2, maxDuration: "30s" } },
      },
    },
  };
}

function kustomization(app: App): object {
  return {
    apiVersion: "kustomize.config.k8s.io/v1beta1",
    kind: "Kustomization",
    resources: [
      // Not the namespace: the Application `apps` brings it. While one is being deleted, ArgoCD puts back what else it misses,
      // again and again and without the namespace that all of that needs.
      "deployment.yaml",
      "service.yaml",
      "httproute.yaml",
      "networkpolicy.yaml",
      ...(app.volume === undefined ? [] : ["volume.yaml"]),
    ],
    ...(app.hasPullSecret ? { generators: ["secrets.yaml"] } : {}),
  };
}

/** Opens SOPS files while ArgoCD builds: https://github.com/viaduct-ai/kustomize-sops */
function secretsGenerator(files: readonly string[]): object {
  return {
    apiVersion: "viaduct.ai/v1",
    kind: "ksops",
    metadata: {
      name: "secrets",
      annotations: { "config.kubernetes.io/function": "exec:\n  path: ksops\n" },
    },
    files: files.map((file) => `./${file}`),
  };
}

function namespaceOf({ namespace: name, volume: data }: App): object {
  return {
    apiVersion: "v1",
    kind: "Namespace",
    metadata: {
      name,
      labels: {
        // Its routes may hang on the Gateway.
        "infra-k3s/routes": "true",
        "pod-security.kubernetes.io/enforce": "restricted",
        "pod-security.kubernetes.io/enforce-version": "latest",
      },
      // With the namespace everything in it would go.
      ...(data === undefined ? {} : { annotations: GUARD }),
    },
  };
}

function volume({ name, namespace }: App, size: string): object {
  return {
    apiVersion: "v1",
    kind: "PersistentVolumeClaim",
    metadata: { name, namespace, annotations: GUARD },
    spec: {
      accessModes: ["ReadWriteOnce"],
      storageClassName: "local-path",
      volumeMode: "Filesystem",
      resources: { requests: { storage: size } },
    },
  };
}
