import { beforeAll, describe, expect, test } from "vitest";
import { run } from "../process/process.ts";
import { withData } from "../ssh/python.ts";
import { LOADER, readModules } from "./look.ts";
import { type Survey, SurveySchema } from "./survey.ts";
import {
  ago, app, CERTIFICATE, certificate, chain, COMMIT, gateway, ISSUING, issuer, listenerFault, node, NOW, pod, route, waiting,
} from "./things.fake.ts"; // prettier-ignore

const healthy = [
  node("hetzner-1"),
  node("vultr-1"),
  app("shop"),
  certificate(),
  issuer(),
  gateway(),
  route("shop"),
];
const without = (kind: string) => healthy.filter((one) => one.kind !== kind);
const degraded = {
  health: { status: "Degraded", lastTransitionTime: ago(60), message: "apps/Deployment:shop/shop" },
};
const failedSync = (message: string, resources: object[] = []) => ({
  sync: { status: "OutOfSync", revision: COMMIT },
  operationState: {
    phase: "Failed",
    message,
    retryCount: 4,
    startedAt: ago(300),
    finishedAt: ago(200),
    syncResult: { revision: COMMIT, resources },
  },
});
const compared = (message: string) => ({
  sync: { status: "Unknown" },
  conditions: [
    {
      type: "ComparisonError",
      message: `Failed to load target state: failed to generate manifest for source 1 of 1: rpc error: code = Unknown desc = ${message}`,
    },
  ],
});
const FORBIDDEN =
  'while attempting to find Zones for domain _acme-challenge.example.com.\nwhile querying the Cloudflare API for GET "/zones?name=example.com" \n\t Error: 9109: Invalid access token';
const LIMIT =
  "Failed to create Order: 429 urn:ietf:params:acme:error:rateLimited: too many certificates (5) already issued for this exact set of identifiers in the last 168h0m0s, retry after 2026-06-02 10:00:00 UTC";
const NO_IMAGE =
  'Back-off pulling image "ghcr.io/a/b:2": ErrImagePull: rpc error: code = NotFound desc = failed to pull and unpack image "ghcr.io/a/b:2": failed to resolve reference "ghcr.io/a/b:2": ghcr.io/a/b:2: not found';

interface Case {
  objects: object[];
  /** `what`, then patterns of its `why` and `fix`; none: nothing is wrong. */
  told: [what: string, why?: RegExp, fix?: RegExp][];
  webhooks?: { refused: string; taken: string };
  fault?: string;
  nodes?: string[];
  /** Where a snapshot is due every 15 minutes: what K3s says of those in R2. */
  snapshots?: object[];
}

const saved = (seconds: number, error = "") => ({
  name: `etcd-snapshot-a-${NOW - seconds}`, at: ago(seconds), ready: error === "", error,
}); // prettier-ignore
const server = (seconds: number) => {
  const made = node("a");
  const labels = { "node-role.kubernetes.io/etcd": "true" };
  return { ...made, metadata: { ...made.metadata, labels, creationTimestamp: ago(seconds) } };
};

/** Port 80 of an ingress node, for a pod with an address of its own or one with the node's. */
const onPort80 = (labels: object, spec: object) => {
  const [made, mail] = [
    node("vultr-1"),
    pod("mail", "mail-7xk2p", ["DaemonSet", "mail"], { phase: "Running" }),
  ];
  const containers = [
    { name: "mail", ports: [{ containerPort: 25 }, { containerPort: 8080, hostPort: 80 }] },
  ];
  return [
    ...without("Node"),
    { ...made, metadata: { ...made.metadata, labels } },
    { ...mail, spec: { nodeName: "vultr-1", containers, ...spec } },
  ];
};
const INGRESS = { "infra-k3s/ingress": "true" };

const CASES: Record<string, Case> = {
  "a healthy cluster": { objects: healthy, told: [] },
  "a cluster without GitOps": { objects: [node("a")], told: [] },
  "an API that does not answer": {
    objects: [], fault: "The connection to the server 100.64.0.1:6443 was refused",
    told: [["the API does not answer as it should", /6443 was refused/]],
    nodes: ["hetzner-1"],
  },
  "a node that is down": {
    objects: [...without("Node"), node("hetzner-1"), node("vultr-1", "Unknown", "Kubelet stopped posting node status.")],
    told: [["node vultr-1 is down", /Kubelet stopped posting node status/, /infra-k3s doctor/]],
  },
  "a node that is gone": { objects: without("Node").concat([node("a")]), nodes: ["a", "b"], told: [["node b is not in the cluster"]] },
  "a wrong token of Cloudflare": {
    objects: [...without("Certificate"), certificate({ status: ISSUING }), ...chain({ state: "pending" }, { state: "pending", processing: true, presented: false, reason: FORBIDDEN })],
    told: [["certificate gateway/wildcard is not issued", /Cloudflare refuses the token.*9109: Invalid access token/, /infra-k3s up --push seals the token/]],
  },
  "a token for another zone": {
    objects: [...without("Certificate"), certificate({ status: ISSUING }), ...chain({ state: "pending" }, { state: "pending", reason: "Found no Zones for domain _acme-challenge.example.com. (neither in the sub-domain nor in the SLD)" })],
    told: [["certificate gateway/wildcard is not issued", /Cloudflare refuses the token/]],
  },
  "a wrong token at a renewal, while the certificate is still good": {
    objects: [...healthy, ...chain({ state: "pending" }, { state: "pending", reason: FORBIDDEN })],
    told: [["certificate gateway/wildcard can't be renewed", /Cloudflare refuses/]],
  },
  "the ACME limit": {
    objects: [...without("Certificate"), certificate({ status: ISSUING }), ...chain({ state: "errored", reason: LIMIT }, undefined, 60, ["Failed", "Failed to wait for order resource"])],
    told: [["certificate gateway/wildcard is not issued", /limit of the certificate authority is reached.*retry after/, /wait until the time it names/]],
  },
  "the ACME limit, after the request was cleared away": {
    objects: [...without("Certificate"), certificate({ status: { conditions: [{ type: "Issuing", status: "False", reason: "Failed", message: `The certificate request has failed to complete and will be retried: order is in "errored" state: ${LIMIT}` }, ...ISSUING.conditions.slice(1)] } })],
    told: [["certificate gateway/wildcard is not issued", /limit/]],
  },
  "a record that is not seen yet, at first": {
    objects: [...without("Certificate"), certificate({ status: ISSUING }, 120), ...chain({ state: "pending" }, { state: "pending", presented: true, reason: 'Waiting for DNS-01 challenge propagation: DNS record for "example.com" not yet propagated' })],
    told: [],
  },
  "a record that is not seen for long": {
    objects: [...without("Certificate"), certificate({ status: ISSUING }), ...chain({ state: "pending" }, { state: "pending", presented: true, reason: 'Waiting for DNS-01 challenge propagation: DNS record for "example.com" not yet propagated' }, 1200)],
    told: [["certificate gateway/wildcard is not issued", /not seen in public DNS/, /registrar/]],
  },
  "an ACME server that is away": {
    objects: [...healthy.filter((one) => !["Certificate", "ClusterIssuer"].includes(one.kind)), certificate({ status: ISSUING }, 60), issuer("False", "Failed to register ACME account: Get \"https://acme-v02.api.letsencrypt.org/directory\": dial tcp: i/o timeout")],
    told: [["certificate gateway/wildcard is not issued", /certificate authority can't be reached/]],
  },
  "a certificate that nobody renewed": {
    objects: [...without("Certificate"), certificate({ status: { ...CERTIFICATE.status, renewalTime: ago(2 * 86_400), notAfter: ago(-20 * 86_400) } })],
    told: [["certificate gateway/wildcard is stale", /should have been renewed/]],
  },
  "a certificate that ends soon": {
    objects: [...without("Certificate"), certificate({ status: { ...CERTIFICATE.status, notBefore: ago(77 * 86_400), notAfter: ago(-13 * 86_400) } })],
    told: [["certificate gateway/wildcard is stale", /ends at/]],
  },
  "a certificate of six days, in its first half": {
    objects: [...without("Certificate"), certificate({ status: { ...CERTIFICATE.status, notBefore: ago(86_400), notAfter: ago(-5 * 86_400), renewalTime: ago(-3 * 86_400) } })],
    told: [],
  },
  "an image that is missing": {
    objects: [...without("Application"), app("shop", degraded), pod("shop", "shop-7d9f-x", ["ReplicaSet", "shop-7d9f"], waiting("ghcr.io/a/b:2", "ImagePullBackOff", NO_IMAGE))],
    told: [["app shop: the image ghcr.io/a/b:2 can't be pulled", /the registry has no such image.*not found/, /correct it in git/]],
  },
  "an image that wants credentials": {
    objects: [...healthy, pod("shop", "shop-7d9f-x", ["ReplicaSet", "shop-7d9f"], waiting("ghcr.io/a/b:2", "ErrImagePull", "failed to authorize: 403 Forbidden"))],
    told: [["app shop: the image ghcr.io/a/b:2 can't be pulled", /credentials/, /pull secret/]],
  },
  "a container that keeps ending": {
    objects: [...healthy, pod("shop", "shop-7d9f-x", ["ReplicaSet", "shop-7d9f"], waiting("i", "CrashLoopBackOff", "back-off 40s", { restartCount: 5, lastState: { terminated: { exitCode: 1, reason: "Error" } } }))],
    told: [["app shop: the container app keeps ending", /ended with 1 \(Error\), 5 times/, /logs shop-7d9f-x -c app --previous/]],
  },
  "a pod that finds no node": {
    objects: [...healthy, pod("kube-system", "x-1", ["DaemonSet", "x"], { conditions: [{ type: "PodScheduled", status: "False", reason: "Unschedulable", message: "0/3 nodes are available: 3 Insufficient memory.", lastTransitionTime: ago(300) }] })],
    told: [["daemonset kube-system/x: a pod finds no node", /Insufficient memory/]],
  },
  "a pod that goes or is done": {
    objects: [...healthy, { ...pod("a", "b", ["Job", "j"], waiting("i", "ImagePullBackOff", "x")), status: { phase: "Succeeded" } }],
    told: [],
  },
  "a git host that is down, once for all": {
    objects: [...without("Application"), ...["cluster", "shop", "apps"].map((name) => app(name, compared("failed to list refs: dial tcp 203.0.113.9:22: connect: connection refused")))],
    told: [["Argo CD can't compare 3 apps with git", /can't reach the git host.*connection refused.*\(apps, cluster, shop\)/, /catches up by itself/]],
  },
  "a git host with another key": {
    objects: [...without("Application"), app("shop", compared("ssh: handshake failed: knownhosts: key mismatch"))],
    told: [["app shop: ComparisonError", /another key than those pinned/, /gitops.hostKeys/]],
  },
  "a deploy key that was taken away": {
    objects: [...without("Application"), app("shop", compared("ssh: handshake failed: ssh: unable to authenticate, attempted methods [none publickey], no supported methods remain"))],
    told: [["app shop: ComparisonError", /does not accept the deploy key/, /deploy-key.pub/]],
  },
  "an age key that opens nothing": {
    objects: [...without("Application"), app("shop", compared('`kustomize build <path to cached source>/kubernetes/apps/shop --enable-alpha-plugins --enable-exec` failed exit status 1: trouble decrypting file token.sops.yaml: Error getting data key: 0 successful groups required, got 0'))],
    told: [["app shop: ComparisonError", /age key does not open/, /infra-k3s up gives the cluster the present key/]],
  },
  "a repository that is not allowed": {
    objects: [...without("Application"), app("shop", { sync: { status: "Unknown" }, conditions: [{ type: "InvalidSpecError", message: "application repo https://evil.example/x.git is not permitted in project 'cluster'" }] })],
    told: [["app shop: InvalidSpecError", /does not allow it/]],
  },
  "a sync that failed": {
    objects: [...without("Application"), app("shop", { ...failedSync("one or more objects failed to apply, reason: …", [{ kind: "Deployment", name: "shop", namespace: "shop", status: "SyncFailed", message: 'Deployment.apps "shop" is invalid: spec.selector: Invalid value: field is immutable' }, { kind: "Service", name: "shop", status: "Synced", message: "service/shop configured" }]), conditions: [{ type: "SyncError", message: "Failed last sync attempt" }] })],
    told: [["app shop: the sync failed", /can't change later.*Deployment shop:.*immutable.*tried 5 times/, /by hand/]],
  },
  "ciphertext that was to be applied": {
    objects: [...without("Application"), app("shop", failedSync('error decoding from json: illegal base64 data at input byte 3'))],
    told: [["app shop: the sync failed", /KSOPS was not asked/, /generators/]],
  },
  "a sync that failed once, and is over": {
    objects: [...without("Application"), app("shop", { operationState: { phase: "Failed", message: "x", finishedAt: ago(900) } })],
    told: [],
  },
  "an app that stays OutOfSync": {
    objects: [...without("Application"), app("shop", { sync: { status: "OutOfSync", revision: COMMIT }, resources: [{ kind: "HTTPRoute", namespace: "shop", name: "shop", status: "OutOfSync" }] })],
    told: [["app shop stays OutOfSync", /differs again: HTTPRoute shop/]],
  },
  "a commit that just came": {
    objects: [...without("Application"), app("shop", { sync: { status: "OutOfSync", revision: "f".repeat(40) } })],
    told: [],
  },
  "a guarded claim that git no longer has": {
    objects: [...without("Application"), app("shop", { sync: { status: "OutOfSync", revision: COMMIT }, resources: [{ kind: "PersistentVolumeClaim", name: "data", status: "OutOfSync", requiresPruning: true }] })],
    told: [["app shop: git no longer has PersistentVolumeClaim data", /guarded/]],
  },
  "an app that is degraded for a reason that only Argo CD knows": {
    objects: [...without("Application"), app("shop", degraded), app("apps", { ...degraded, resources: [{ kind: "Application", namespace: "argocd", name: "shop" }] })],
    told: [["app shop is Degraded", /apps\/Deployment:shop\/shop/]],
  },
  "an app that has been coming up for long": {
    objects: [...without("Application"), app("shop", { health: { status: "Progressing", lastTransitionTime: ago(1260) } })],
    told: [["app shop is Progressing for 21 min"]],
  },
  "an app that is coming up": { objects: [...without("Application"), app("shop", { health: { status: "Progressing", lastTransitionTime: ago(30) } })], told: [] },
  "a wave that never ends": {
    objects: [...without("Application"), app("cluster", { sync: { status: "OutOfSync", revision: COMMIT }, operationState: { phase: "Running", message: "waiting for healthy state of argoproj.io/Application/traefik", startedAt: ago(1200) } })],
    told: [["app cluster: the sync does not end", /waits for argoproj.io\/Application\/traefik/]],
  },
  "a gateway at a port nobody listens at": {
    objects: [...without("Gateway"), gateway(listenerFault("https-apex", "PortUnavailable", 'Cannot find entryPoint for Gateway: no matching entryPoint for port 8443 and protocol "HTTPS"'))],
    told: [["gateway gateway/public does not serve", /no matching entryPoint/, /80 and 443/]],
  },
  "a gateway that waits for its certificate": {
    objects: [...healthy.filter((one) => !["Gateway", "Certificate"].includes(one.kind)), certificate({ status: ISSUING }, 60), gateway(listenerFault("https-apex", "InvalidCertificateRef", "Error while retrieving certificate: secret gateway/wildcard-tls not found"))],
    told: [],
  },
  "a gateway that nobody serves": {
    objects: [...without("Gateway"), gateway({ conditions: [{ type: "Programmed", status: "Unknown", reason: "Pending", message: "Waiting for controller" }] })],
    told: [["gateway gateway/public does not serve", /Waiting for controller/, /daemonset\/traefik/]],
  },
  "a route from a namespace without the label": {
    objects: [...healthy, route("blog", [["Accepted", "NotAllowedByListeners", ""]])],
    told: [["route blog/blog (blog.example.com) is not served", /NotAllowedByListeners/, /infra-k3s\/routes/]],
  },
  "a route to a Service that is not there": {
    objects: [...healthy, route("blog", [["ResolvedRefs", "BackendNotFound", "Cannot load HTTPBackendRef blog/blog: service not found"]])],
    told: [["route blog/blog (blog.example.com) is not served", /service not found/, /backendRefs/]],
  },
  "a route that is new": { objects: [...healthy, route("blog", [["Accepted", "Pending", ""]], 20)], told: [] },
  "a hostPort 80 beside Traefik": {
    objects: onPort80(INGRESS, {}),
    told: [["daemonset mail/mail takes port 80 from Traefik", /comes to vultr-1 by IPv4/, /hostPort out of its manifest/]],
  },
  "a hostPort 80 where no Traefik is": { objects: onPort80({}, {}), told: [] },
  "port 80 of a pod in the node's network, which would not start beside Traefik": { objects: onPort80(INGRESS, { hostNetwork: true }), told: [] },
  "a wrong secret of the webhook": {
    objects: healthy, webhooks: { refused: "2026-06-01T11:59:00.1Z", taken: "2026-06-01T11:30:00.2Z" },
    told: [["the webhook's secret is wrong", /HMAC verification failed/, /webhook.sops.yaml/]],
  },
  "a webhook that was refused, before one was taken": {
    objects: healthy, webhooks: { refused: "2026-06-01T11:30:00.1Z", taken: "2026-06-01T11:59:00.2Z" }, told: [],
  },
  "a fresh snapshot in R2": { objects: [server(9000)], snapshots: [saved(9000), saved(2099)], told: [] },
  "no snapshot for two intervals": {
    objects: [server(9000)], snapshots: [saved(9000), saved(2101)],
    told: [["etcd is not saved to R2", /taken 2026-06-01T11:24:59Z.*every 15 min$/, /backup create/]],
  },
  "snapshots that can't be uploaded": {
    objects: [server(9000)], snapshots: [saved(9000), saved(600, "403 Access Denied"), saved(5, "404 NoSuchBucket")],
    told: [["etcd is not saved to R2", /the newest in R2 is .*NoSuchBucket/]],
  },
  "no snapshot at all": { objects: [server(9000)], snapshots: [], told: [["etcd is not saved to R2", /there is none/]] },
  "a cluster too new for one": { objects: [server(2000)], snapshots: [], told: [] },
  "snapshots nobody asked for": { objects: [server(9000)], told: [] },
}; // prettier-ignore

describe("what a cluster says of itself", () => {
  const names = Object.keys(CASES);
  let surveys: Survey[] = [];

  beforeAll(async () => {
    const looks = Object.values(CASES).map(
      ({ objects, webhooks = { refused: "", taken: "" }, fault = "", nodes = [], snapshots }) => ({
        raw: { at: NOW, objects, fault, webhooks, snapshots: snapshots ?? [] },
        nodes,
        minutes: snapshots === undefined ? 0 : 15,
      }),
    );
    const program = `${LOADER}print(json.dumps([judge.judged(one["raw"], one["nodes"], one["minutes"]) for one in DATA["looks"]]))\n`;
    const { stdout, stderr } = await run({
      argv: ["python3", "-"],
      stdin: withData(program, { modules: readModules(), looks }),
    });
    if (stderr !== "") throw new Error(stderr);
    surveys = (JSON.parse(stdout) as unknown[]).map((survey) => SurveySchema.parse(survey));
  });

  test.each(names)("%s", (name) => {
    const problems = surveys[names.indexOf(name)]?.problems ?? [];
    const told = CASES[name]?.told ?? [];

    expect(problems.map(({ what }) => what)).toEqual(told.map(([what]) => what));
    for (const [index, [, why = /./, fix = /./]] of told.entries()) {
      expect(problems[index]?.why).toMatch(why);
      expect(problems[index]?.fix).toMatch(fix);
    }
  });

  test("is told by rows, too", () => {
    const [survey] = surveys;

    expect(survey?.apps).toEqual([
      { name: "shop", sync: "Synced", health: "Healthy", revision: COMMIT, message: "" },
    ]);
    expect(survey?.certificates.map(({ name, ready, reason }) => [name, ready, reason])).toEqual([
      ["wildcard", true, ""],
    ]);
    expect(
      survey?.gateways[0]?.listeners.map(({ name, attachedRoutes, ok }) => [name, attachedRoutes, ok]),
    ).toEqual([
      ["http", 1, true],
      ["https-apex", 1, true],
      ["https-wildcard", 1, true],
    ]);
    expect(survey?.routes).toEqual([
      {
        name: "shop",
        namespace: "shop",
        hosts: ["shop.example.com"],
        accepted: true,
        resolvedRefs: true,
        reason: "",
      },
    ]);
  });
});
