import { parseAllDocuments } from "yaml";
import { UserError } from "../../output/errors.ts";

export interface Manifest {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string };
  [field: string]: unknown;
}

/** ArgoCD's bootstrap in the order in which it can be applied: what a later phase is of, an earlier one brings. */
export interface Bootstrap {
  namespaces: Manifest[];
  /** The git host's keys. */
  knownHosts: Manifest[];
  crds: Manifest[];
  /** AppProjects: before the programs, since ArgoCD makes a project `default` that allows everything where there is none. */
  projects: Manifest[];
  rest: Manifest[];
  /** The root Application, the last: where it stands the bootstrap is whole. */
  applications: Manifest[];
  /** The image ArgoCD reads repositories in, by digest. */
  image: string;
}

/** Sorts what `kubectl kustomize kubernetes/bootstrap/argocd` prints. */
export function sortBootstrap(yaml: string): Bootstrap {
  const all = parseAllDocuments(yaml).map((document) => document.toJS() as Manifest | null);
  const manifests = all.filter((one): one is Manifest => one !== null);
  const of = (kind: string) => manifests.filter((one) => one.kind === kind);
  const knownHosts = of("ConfigMap").filter(({ metadata }) => metadata.name === "argocd-ssh-known-hosts-cm");
  const sorted = {
    namespaces: of("Namespace"),
    knownHosts,
    crds: of("CustomResourceDefinition"),
    projects: of("AppProject"),
    applications: of("Application"),
  };
  const placed = new Set(Object.values(sorted).flat());
  const image = imageOf(of("Deployment").find(({ metadata }) => metadata.name === "argocd-repo-server"));
  if (image !== undefined && knownHosts.length > 0 && sorted.applications.length > 0)
    return { ...sorted, rest: manifests.filter((one) => !placed.has(one)), image };
  throw new UserError({
    what: "kubernetes/bootstrap/argocd is not whole",
    why: "it has no argocd-repo-server, no argocd-ssh-known-hosts-cm, or no Application",
    fix: "restore it: infra-k3s render",
  });
}

interface PodTemplate {
  template?: { spec?: { containers?: { name: string; image: string }[] } };
}

function imageOf(deployment: Manifest | undefined): string | undefined {
  const { template } = (deployment?.["spec"] ?? {}) as PodTemplate;
  return template?.spec?.containers?.find(({ name }) => name === "argocd-repo-server")?.image;
}

/** The pod that shows, with the cluster's own key and network, that the repository can be read; it meets the strictest profile. */
export function proofPod(
  image: string,
  { repository, branch }: { repository: string; branch: string },
): Manifest {
  const ssh =
    "ssh -i /key/sshPrivateKey -o IdentitiesOnly=yes -o BatchMode=yes -o StrictHostKeyChecking=yes " +
    "-o UserKnownHostsFile=/known/ssh_known_hosts -o GlobalKnownHostsFile=/dev/null -o ConnectTimeout=15";
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "infra-k3s-ls-remote", namespace: "argocd" },
    spec: {
      restartPolicy: "Never",
      activeDeadlineSeconds: 600,
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      // ArgoCD's own user. The key's file is root's and readable for its group; ssh minds that only of files of its own user.
      securityContext: {
        runAsNonRoot: true,
        runAsUser: 999,
        runAsGroup: 999,
        fsGroup: 999,
        seccompProfile: { type: "RuntimeDefault" },
      },
      containers: [
        {
          name: "git",
          image,
          command: ["git", "ls-remote", "--", repository, `refs/heads/${branch}`],
          env: [
            { name: "GIT_SSH_COMMAND", value: ssh },
            { name: "HOME", value: "/tmp" },
            { name: "LC_ALL", value: "C" },
          ],
          resources: { requests: { cpu: "10m", memory: "32Mi" }, limits: { memory: "256Mi" } },
          securityContext: {
            allowPrivilegeEscalation: false,
            readOnlyRootFilesystem: true,
            capabilities: { drop: ["ALL"] },
          },
          volumeMounts: [
            { name: "key", mountPath: "/key", readOnly: true },
            { name: "known", mountPath: "/known", readOnly: true },
          ],
        },
      ],
      volumes: [
        {
          name: "key",
          secret: {
            secretName: "repository",
            defaultMode: 0o400,
            items: [{ key: "sshPrivateKey", path: "sshPrivateKey" }],
          },
        },
        { name: "known", configMap: { name: "argocd-ssh-known-hosts-cm" } },
      ],
    },
  };
}

/** The Secrets that ArgoCD needs before it can read anything, as they are applied. */
export function bootstrapSecrets(
  repository: string,
  { ageKeys, deployKey }: { ageKeys: string; deployKey: string },
): Manifest[] {
  return [
    secret("sops-age", {}, { "keys.txt": ageKeys }),
    // https://argo-cd.readthedocs.io/en/stable/operator-manual/declarative-setup/#repositories
    secret(
      "repository",
      { "argocd.argoproj.io/secret-type": "repository" },
      { type: "git", url: repository, project: "cluster", sshPrivateKey: deployKey },
    ),
  ];
}

function secret(name: string, labels: Record<string, string>, values: Record<string, string>): Manifest {
  return {
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name, namespace: "argocd", ...(Object.keys(labels).length === 0 ? {} : { labels }) },
    type: "Opaque",
    // Not stringData: applied by the server's side it would be a field that the API never shows again.
    data: Object.fromEntries(
      Object.entries(values).map(([key, value]) => [key, Buffer.from(value).toString("base64")]),
    ),
  };
}
