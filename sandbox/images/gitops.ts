import type { GitopsArtifacts } from "../artifacts/artifacts.ts";
import { CERT_MANAGER, KSOPS, PINS, VELERO_PLUGIN } from "../artifacts/pins.ts";
import type { Image, Tree } from "./image.ts";

/** What the GitOps images hold beside the artifacts and busybox. */
export interface GitopsPrograms {
  echo: string;
  /** What ArgoCD starts, of Debian's. */
  argocdTools: Tree;
  /** Debian's Redis. */
  redis: Tree;
}

/** Packages that `ARGOCD_TOOLS` and `REDIS` are of. */
export const PACKAGES = ["git", "openssh-client", "gpg", "gpg-agent", "tini", "redis-server"];

/** git finds its own commands in itself; `git submodule` alone is a script. No git over HTTPS. */
export const ARGOCD_TOOLS = [
  "usr/bin/git", "usr/lib/git-core/git-submodule", "usr/lib/git-core/git-sh-setup", "usr/lib/git-core/git-sh-i18n",
  "usr/lib/git-core/git-sh-i18n--envsubst", "usr/bin/ssh", "usr/bin/gpg", "usr/bin/gpg-agent", "usr/bin/tini",
]; // prettier-ignore
export const REDIS = ["usr/bin/redis-server", "usr/bin/redis-cli"];

/** Names that ArgoCD's program goes by, as upstream's Dockerfile links them. */
const ARGOCD_NAMES = [
  "argocd-server", "argocd-repo-server", "argocd-cmp-server", "argocd-application-controller", "argocd-dex",
  "argocd-notifications", "argocd-applicationset-controller", "argocd-k8s-auth", "argocd-commit-server",
]; // prettier-ignore

/** distroless's user `nonroot`. */
const NONROOT = "65532";
const RESOLVER = "passwd: files\ngroup: files\nhosts: files dns\n";
const ROOT = "root:x:0:0:root:/root:/bin/sh\n";

/** The images of the product's manifests with their programs' true versions; `redis` and `ksops` are stand-ins (README). */
export function gitopsImages(
  artifacts: GitopsArtifacts,
  { echo, argocdTools, redis }: GitopsPrograms,
  busybox: Tree,
): readonly Image[] {
  return [
    argocdImage(artifacts, argocdTools, busybox),
    redisImage(redis, busybox),
    traefikImage(artifacts, busybox),
    veleroImage(artifacts),
    {
      repository: "velero/velero-plugin-for-aws",
      tag: `v${VELERO_PLUGIN.version}`,
      files: {
        "plugins/velero-plugin-for-aws": artifacts["velero-plugin-for-aws"],
        "bin/cp-plugin": artifacts["cp-plugin"],
      },
      entrypoint: ["cp-plugin", "/plugins/velero-plugin-for-aws", "/target/velero-plugin-for-aws"],
      user: "65532:65532",
    },
    {
      repository: "viaductoss/ksops",
      tag: `v${KSOPS.version}`,
      files: { "usr/local/bin/ksops": artifacts.ksops, "usr/local/bin/kustomize": artifacts.kustomize },
      entrypoint: [],
      command: ["kustomize", "version"],
    },
    ...(["controller", "webhook", "cainjector"] as const).map((part): Image => {
      const path = `app/cmd/${part}/${part}`;
      return {
        repository: `jetstack/cert-manager-${part}`,
        tag: `v${CERT_MANAGER.version}`,
        files: { [path]: artifacts[`cert-manager-${part}`] },
        entrypoint: [`/${path}`],
        user: NONROOT,
        writable: ["tmp"],
      };
    }),
    {
      repository: "infra-k3s/echo",
      tag: "1",
      files: { "usr/bin/echo": echo },
      entrypoint: ["/usr/bin/echo"],
      user: `${NONROOT}:${NONROOT}`,
    },
  ];
}

function argocdImage(artifacts: GitopsArtifacts, tools: Tree, busybox: Tree): Image {
  return {
    repository: "argoproj/argocd",
    tag: `v${PINS.argocd.version}`,
    files: {
      "usr/local/bin/argocd": artifacts.argocd,
      "usr/local/bin/kustomize": artifacts.kustomize,
      ...busybox.files,
      ...tools.files,
    },
    texts: {
      // ssh refuses to start for a user without a name.
      "etc/passwd": `${ROOT}argocd:x:999:999::/home/argocd:/bin/sh\n`,
      "etc/group": "root:x:0:\nargocd:x:999:\n",
      "etc/nsswitch.conf": RESOLVER,
      "app/config/ssh/ssh_known_hosts": "",
      // Upstream's never fails either: it takes the status of what is between.
      "usr/local/bin/gpg-wrapper.sh": '#!/bin/sh\ngpg "$@" 2>&1\nexit 0\n',
      // What a commit is signed with; 1 is git's word for "with nothing that it trusts".
      "usr/local/bin/git-verify-wrapper.sh":
        '#!/bin/sh\nsaid=$(git verify-commit "$1" 2>&1)\n[ "$?" -le 1 ] || { echo "$said" >&2; exit 1; }\necho "$said"\n',
    },
    links: {
      ...busybox.links,
      ...tools.links,
      ...Object.fromEntries(ARGOCD_NAMES.map((name) => [`usr/local/bin/${name}`, "argocd"])),
      "etc/ssh/ssh_known_hosts": "/app/config/ssh/ssh_known_hosts",
    },
    entrypoint: ["/usr/bin/tini", "--"],
    user: "999",
    env: { ARGOCD_USER_ID: "999", USER: "argocd", GRPC_ENABLE_TXT_SERVICE_CONFIG: "false" },
    workingDir: "/home/argocd",
    writable: ["tmp", "home/argocd", "app/config/gpg/keys"],
  };
}

function redisImage(programs: Tree, busybox: Tree): Image {
  return {
    repository: "docker/library/redis",
    tag: "8.10.1-alpine",
    files: { ...busybox.files, ...programs.files },
    texts: {
      "etc/passwd": `${ROOT}redis:x:999:1000::/home/redis:/bin/sh\n`,
      "etc/nsswitch.conf": RESOLVER,
      "usr/local/bin/docker-entrypoint.sh": startsWith("redis-server", `case "$1" in -* | *.conf)`),
    },
    links: { ...busybox.links, ...programs.links },
    entrypoint: ["docker-entrypoint.sh"],
    command: ["redis-server"],
    workingDir: "/data",
    writable: ["tmp", "data"],
  };
}

function traefikImage(artifacts: GitopsArtifacts, busybox: Tree): Image {
  return {
    repository: "library/traefik",
    tag: `v${PINS.traefik.version}`,
    files: { "usr/local/bin/traefik": artifacts.traefik, ...busybox.files },
    texts: {
      "etc/passwd": ROOT,
      "etc/nsswitch.conf": RESOLVER,
      "entrypoint.sh": startsWith("traefik", `case "$1" in -* | version | healthcheck)`),
    },
    links: busybox.links,
    entrypoint: ["/entrypoint.sh"],
    command: ["traefik"],
    writable: ["tmp"],
  };
}

/** Server, node agent, what moves a volume, and the helper that holds a restored pod back: one image. */
function veleroImage(artifacts: GitopsArtifacts): Image {
  return {
    repository: "velero/velero",
    tag: `v${PINS.velero.version}`,
    files: { velero: artifacts.velero, "velero-restore-helper": artifacts["velero-restore-helper"] },
    texts: {
      "etc/passwd": `${ROOT}cnb:x:1002:1000::/home/cnb:/sbin/nologin\n`,
      "etc/group": "root:x:0:\ncnb:x:1000:\n",
      "etc/nsswitch.conf": RESOLVER,
    },
    entrypoint: [],
    // By its name, as upstream's: the kubelet can't tell that it is not root.
    user: "cnb:cnb",
    writable: ["tmp", "home/cnb"],
  };
}

/** An entrypoint for which the program's name may be left out, where the arguments are plainly the program's. */
function startsWith(program: string, where: string): string {
  return `#!/bin/sh\nset -e\n${where} set -- ${program} "$@" ;; esac\nexec "$@"\n`;
}
