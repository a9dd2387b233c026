import type { Finding } from "../finding.ts";
import type { ClusterFacts, Wanted } from "./facts.ts";

/** What K3s brings of its own where it is not told otherwise, and what then has two owners. */
const K3S_CHARTS = new Set(["traefik", "traefik-crd", "gateway-api-crd"]);
const REPO_SERVER = "argocd-repo-server/argocd-repo-server";
const UP = "infra-k3s up, which also pushes what git lacks; Argo CD then corrects the cluster";

/** What of GitOps, ingress and TLS is set so that it can't work, or only seems to; pure. */
export function judgeCluster(facts: ClusterFacts, wanted: Wanted): Finding[] {
  return [definitions, traefik, certificates, argocd, ageKey, projects].flatMap((check) =>
    check(facts, wanted),
  );
}

function definitions({ crds, helmCharts }: ClusterFacts, { gatewayApi }: Wanted): Finding[] {
  const found: Finding[] = [];
  const ours = crds.filter(({ name }) => name.endsWith(".gateway.networking.k8s.io"));
  const core = ours.find(({ name }) => name === "httproutes.gateway.networking.k8s.io");
  if (core === undefined)
    found.push(
      error("gateway-api", "the cluster has no HTTPRoute: Gateway API's definitions are missing", UP),
    );
  const others = ours.filter(({ version }) => gatewayApi !== "" && version !== `v${gatewayApi}`);
  if (others.length > 0) {
    const versions = [...new Set(others.map(({ version }) => version || "no version"))].join(", ");
    const message = `Gateway API's definitions are ${versions}, locked is v${gatewayApi}: ${names(others)}`;
    found.push(
      error(
        "gateway-api",
        message,
        `find who else brings them (Helm, an operator) and take it out; then ${UP}`,
      ),
    );
  }
  const experimental = ours.filter(({ channel }) => channel !== "standard");
  if (experimental.length > 0) {
    const message = `definitions of another channel than standard: ${names(experimental)}`;
    found.push(
      error("gateway-api", message, `delete those that the standard channel does not have; then ${UP}`),
    );
  }
  const helm = ours.filter(({ helm: release }) => release !== "");
  if (helm.length > 0) {
    const message = `Helm says that it owns Gateway API's definitions (release ${helm[0]?.helm}), and would remove them with every route`;
    found.push(error("gateway-api", message, `uninstall that release without its definitions; then ${UP}`));
  }
  const charts = helmCharts.filter((name) => K3S_CHARTS.has(name));
  if (charts.length > 0) {
    const message = `K3s brings ${charts.join(", ")} of its own, beside what git says`;
    found.push(
      error(
        "gateway-api",
        message,
        "infra-k3s up --only k3s turns them off (`disable` in K3s's configuration)",
      ),
    );
  }
  const hub = crds.filter(({ name }) => name.endsWith(".hub.traefik.io"));
  if (hub.length > 0) {
    const fix = `infra-k3s kubectl delete crd ${hub.map(({ name }) => name).join(" ")}`;
    found.push(
      error(
        "traefik",
        "Traefik Hub's definitions are there, on which Argo CD's looks hang (k3s-io/k3s#13469)",
        fix,
      ),
    );
  }
  return found;
}

function traefik({ traefik: words, gateways }: ClusterFacts, { tunnel }: Wanted): Finding[] {
  if (words === null) return [error("traefik", "there is no DaemonSet traefik in namespace traefik", UP)];
  const found: Finding[] = [];
  if (words.some((word) => /^--providers\.kubernetesgateway\.experimentalchannel(=true)?$/i.test(word))) {
    const message =
      "Traefik waits for the experimental channel's definitions, and without them serves no route at all";
    found.push(
      error(
        "traefik",
        message,
        "take experimentalChannel out of kubernetes/infrastructure/traefik, commit and push",
      ),
    );
  }
  const ports = words.flatMap(
    (word) => /^--entrypoints\.[^.]+\.address=\S*:(\d+)(?:\/tcp)?$/i.exec(word)?.[1] ?? [],
  );
  const closed = gateways.flatMap(({ namespace, name, listeners }) =>
    listeners
      .filter(({ port }) => !tunnel && !ports.includes(String(port)))
      .map((listener) => `${namespace}/${name}: ${listener.name} (${listener.port})`),
  );
  if (closed.length > 0) {
    const message = `listeners at ports that no entrypoint of Traefik has (${ports.join(", ")}): ${closed.join(", ")}`;
    found.push(error("traefik", message, "give the listener the entrypoint's port, 80 or 443"));
  }
  return found;
}

function certificates({ certManager, gateways, certificates: all }: ClusterFacts): Finding[] {
  if (certManager === null)
    return [error("certificates", "there is no Deployment cert-manager in namespace cert-manager", UP)];
  const found: Finding[] = [];
  const shim = certManager.filter((word) => /^--enable-gateway-api(=true)?$|gateway-shim/i.test(word));
  if (shim.length > 0) {
    const message = `cert-manager makes certificates from Gateways by itself (${shim.join(" ")}), and ends where their definitions come late`;
    found.push(
      error(
        "certificates",
        message,
        "take it out of kubernetes/infrastructure/cert-manager, commit and push",
      ),
    );
  }
  const annotated = gateways.filter((gateway) => gateway.shim.length > 0);
  for (const { namespace, name, shim: annotations } of annotated) {
    const message = `gateway ${namespace}/${name} asks for a certificate by ${annotations.join(", ")}, to which nobody listens`;
    found.push(error("certificates", message, "take the annotation out; declare a Certificate beside it"));
  }
  const said = (flag: string) => certManager.find((word) => word.startsWith(flag));
  if (
    said("--dns01-recursive-nameservers-only") === undefined ||
    said("--dns01-recursive-nameservers=") === undefined
  ) {
    const message =
      "cert-manager asks the zone's own name servers whether the record is there, which nodes often can't reach";
    const fix =
      "give it --dns01-recursive-nameservers-only and --dns01-recursive-nameservers=1.1.1.1:53,8.8.8.8:53";
    found.push(error("certificates", message, `${fix} in kubernetes/infrastructure/cert-manager`));
  }
  for (const { namespace, name, listeners } of gateways) {
    for (const secret of new Set(listeners.flatMap(({ secrets }) => secrets))) {
      if (all.some((one) => one.namespace === namespace && one.secret === secret)) continue;
      const message = `no Certificate makes the Secret ${namespace}/${secret} that gateway ${name} serves with`;
      found.push(
        error(
          "certificates",
          message,
          "declare a Certificate with this secretName in the Gateway's namespace",
        ),
      );
    }
  }
  return found;
}

function argocd({ buildOptions, ksops, differing }: ClusterFacts): Finding[] {
  const found: Finding[] = [];
  const missing = ["--enable-alpha-plugins", "--enable-exec"].filter(
    (flag) => !buildOptions.split(/\s+/).includes(flag),
  );
  if (missing.length > 0) {
    const message = `argocd-cm's kustomize.buildOptions lacks ${missing.join(" ")}: KSOPS is not run ("unable to find plugin root")`;
    found.push(error("argocd", message, UP));
  }
  if (ksops === null) found.push(error("argocd", "there is no argocd-repo-server", UP));
  // The image has no shell, so a copy by `sh -c mv` fails: viaduct-ai/kustomize-sops#300.
  else if (
    !ksops.install.includes("install") ||
    ksops.install.some((word) => /^(\/bin\/)?(ba)?sh$/.test(word))
  ) {
    const message = `the repo-server gets KSOPS by \`${ksops.install.join(" ") || "nothing"}\`, not by \`ksops install\``;
    found.push(error("argocd", message, UP));
  }
  for (const { app, kind, name } of differing) {
    const message = `${kind} ${name} of app ${app} is applied, and still OutOfSync: the API fills in what git leaves out`;
    const fix =
      "write the defaults out in git (group, kind, weight, matches): infra-k3s kubectl get -o yaml shows them";
    found.push({ ...error("argocd", message, fix), severity: "warning" });
  }
  return found;
}

function ageKey({ ageKeys, ageUsers, ksops, ciphertext }: ClusterFacts, wanted: Wanted): Finding[] {
  const found: Finding[] = [];
  const handOver = "infra-k3s up hands the cluster the present key";
  if (ageKeys === null)
    found.push(
      error("secrets", "the Secret argocd/sops-age is not there: nothing encrypted can be opened", handOver),
    );
  else if (ageKeys.length === 0)
    found.push(error("secrets", "the Secret argocd/sops-age holds no age key", handOver));
  else if (Object.keys(wanted.ageKeys).length > 0) {
    const opens = ageKeys.some((hash) => wanted.recipients.includes(wanted.ageKeys[hash] ?? ""));
    if (!opens)
      found.push(error("secrets", "the age key in the cluster is none that .sops.yaml names", handOver));
  }
  if (ksops !== null && ksops.keyFile === "")
    found.push(error("secrets", "the repo-server has no SOPS_AGE_KEY_FILE, so SOPS finds no key", UP));
  if (ksops !== null && !ageUsers.includes(REPO_SERVER))
    found.push(error("secrets", "the repo-server does not get the Secret sops-age", UP));
  const strangers = ageUsers.filter((user) => user !== REPO_SERVER);
  if (strangers.length > 0) {
    const message = `the age key is also in ${strangers.join(", ")}; it opens every Secret of the repository`;
    found.push(
      error(
        "secrets",
        message,
        `take it out there; infra-k3s secrets rotate --renew cluster, if they could have read it`,
      ),
    );
  }
  for (const { namespace, name, key } of ciphertext) {
    const message = `the Secret ${namespace}/${name} holds ciphertext in ${key}: it was applied without KSOPS`;
    const fix =
      "in its folder's kustomization.yaml name the file under `generators` by a ksops manifest, not under `resources`";
    found.push(error("secrets", message, fix));
  }
  return found;
}

function projects({ projects: all }: ClusterFacts, { repository }: Wanted): Finding[] {
  const found: Finding[] = [];
  const open = all.find(({ name }) => name === "default");
  if (open !== undefined && open.sourceRepos.length + open.destinations.length > 0) {
    const message = `the AppProject \`default\` allows ${[...open.sourceRepos, ...open.destinations].join(", ")}; it should allow nothing`;
    found.push(error("argocd", message, UP));
  }
  const own = all.find(({ name }) => name === "cluster");
  if (own === undefined) found.push(error("argocd", "there is no AppProject `cluster`", UP));
  else if (JSON.stringify(own.sourceRepos) !== JSON.stringify([repository])) {
    const message = `the AppProject \`cluster\` allows ${own.sourceRepos.join(", ") || "no repository"}, not just ${repository}`;
    found.push(error("argocd", `${message}: whoever can push there can run code beside the age key`, UP));
  }
  return found;
}

function names(crds: readonly { name: string }[]): string {
  const [first, ...rest] = crds.map(({ name }) => name.split(".")[0]);
  return rest.length > 2 ? `${first} and ${rest.length} more` : [first, ...rest].join(", ");
}

function error(check: Finding["check"], message: string, fix: string): Finding {
  return { check, severity: "error", host: "cluster", message, fix };
}
