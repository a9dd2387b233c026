import type { Gitops, InfrastructureName } from "../../config/model.ts";
import { toYaml } from "../yaml.ts";

const SERVER = "https://kubernetes.default.svc";
const PROJECT = "cluster";

/** The order in which ArgoCD brings the cluster's parts up, each healthy before the next begins. */
const WAVES: Readonly<Record<"argocd" | InfrastructureName | "apps", number>> = {
  argocd: 0,
  "gateway-api": 1,
  "cert-manager": 2,
  issuers: 3,
  traefik: 4,
  gateway: 5,
  "local-path": 6,
  velero: 7,
  tunnel: 7,
  apps: 8,
};

/** Where what has no namespace of its own in its manifests would go; all of it has. */
export const NAMESPACES: Readonly<Record<InfrastructureName, string>> = {
  "gateway-api": "default",
  "cert-manager": "cert-manager",
  issuers: "cert-manager",
  traefik: "traefik",
  gateway: "gateway",
  "local-path": "local-path-storage",
  velero: "velero",
  tunnel: "tunnel",
};

interface ApplicationSpec {
  name: string;
  path: string;
  namespace: string;
  wave?: number;
  annotations?: Record<string, string>;
  /** Manifests as they lie there, of the files that match; else a kustomization. */
  include?: string;
  /** Removing the last thing is no accident. */
  allowEmpty?: boolean;
}

/** An Application with its defaults written out, so that nothing of it ever looks changed. */
function application(gitops: Gitops, spec: ApplicationSpec): object {
  const { name, path, namespace, wave, annotations = {}, include, allowEmpty = false } = spec;
  const notes = {
    ...(wave === undefined ? {} : { "argocd.argoproj.io/sync-wave": String(wave) }),
    ...annotations,
  };
  return {
    apiVersion: "argoproj.io/v1alpha1",
    kind: "Application",
    metadata: { name, namespace: "argocd", annotations: notes },
    spec: {
      project: PROJECT,
      source: {
        repoURL: gitops.repository,
        targetRevision: gitops.branch,
        path,
        ...(include === undefined ? {} : { directory: { recurse: true, include } }),
      },
      destination: { server: SERVER, namespace },
      syncPolicy: {
        automated: { prune: true, selfHeal: true, allowEmpty },
        // Whoever's a thing is, it is one Application's.
        syncOptions: ["ServerSideApply=true", "FailOnSharedResource=true"],
        // Until it succeeds, with what git has by then.
        retry: { limit: -1, refresh: true, backoff: { duration: "5s", factor: 2, maxDuration: "30s" } },
      },
    },
  };
}

/** `kubernetes/bootstrap/argocd/cluster.yaml`: who may bring what, and the Application that brings all others. */
export function renderBootstrap(gitops: Gitops): string {
  const project = (name: string, spec: object) => ({
    apiVersion: "argoproj.io/v1alpha1",
    kind: "AppProject",
    metadata: { name, namespace: "argocd", annotations: GUARD },
    spec,
  });
  return documents([
    project(PROJECT, {
      description: "What this cluster's own repository holds",
      sourceRepos: [gitops.repository],
      destinations: [{ server: SERVER, namespace: "*" }],
      clusterResourceWhitelist: [{ group: "*", kind: "*" }],
      namespaceResourceWhitelist: [{ group: "*", kind: "*" }],
    }),
    // ArgoCD makes it where there is none, and then it allows everything.
    project("default", {
      description: "Nothing",
      sourceRepos: [],
      destinations: [],
      clusterResourceWhitelist: [],
      namespaceResourceBlacklist: [{ group: "*", kind: "*" }],
    }),
    application(gitops, {
      name: "cluster",
      path: "kubernetes",
      namespace: "argocd",
      include: "{bootstrap/application.yaml,infrastructure/*/application.yaml,apps/application.yaml}",
      // It waits for ArgoCD's Application, which owns it and must not wait for it in turn.
      annotations: { ...GUARD, "argocd.argoproj.io/ignore-healthcheck": "true" },
    }),
  ]);
}

/** Pruning it would take everything along. */
const GUARD = { "argocd.argoproj.io/sync-options": "Prune=false,Delete=false" };

/** Path → Application, of ArgoCD itself, each part of the infrastructure, and the apps. */
export function renderApplications(gitops: Gitops, parts: readonly InfrastructureName[]): [string, string][] {
  return [
    {
      path: "bootstrap",
      spec: { name: "argocd", namespace: "argocd", wave: WAVES.argocd, annotations: GUARD },
    },
    ...parts.map((name) => ({
      path: `infrastructure/${name}`,
      spec: { name, namespace: NAMESPACES[name], wave: WAVES[name] },
    })),
    {
      path: "apps",
      spec: {
        name: "apps",
        namespace: "argocd",
        wave: WAVES.apps,
        include: "*/{application,namespace}.yaml",
        allowEmpty: true,
      },
    },
  ].map(({ path, spec }) => [
    `kubernetes/${path}/application.yaml`,
    documents([application(gitops, { ...spec, path: `kubernetes/${path}` })]),
  ]);
}

export function documents(manifests: readonly object[]): string {
  return manifests.map((manifest) => toYaml(manifest)).join("---\n");
}
