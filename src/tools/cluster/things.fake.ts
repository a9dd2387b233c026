/** Objects as the API gives them, shortened to what is read; a test changes what it is about. */

export const NOW = Date.parse("2026-06-01T12:00:00Z") / 1000;
export const COMMIT = "4c898fd0a1b2c3d4e5f60718293a4b5c6d7e8f90";
/** A time so many seconds before `NOW`, as the API writes it. */
export const ago = (seconds: number) => `${new Date((NOW - seconds) * 1000).toISOString().slice(0, 19)}Z`;

type Fields = Record<string, unknown>;

function thing(
  apiVersion: string,
  kind: string,
  namespace: string,
  name: string,
  rest: Fields = {},
  seconds = 86_400,
) {
  const { metadata, ...others } = rest as { metadata?: Fields };
  return {
    apiVersion,
    kind,
    metadata: {
      name,
      creationTimestamp: ago(seconds),
      ...(namespace === "" ? {} : { namespace }),
      ...metadata,
    } as Fields,
    ...others,
  };
}

const conditions = (...all: [type: string, status: string, reason: string, message: string][]) =>
  all.map(([type, status, reason, message]) => ({
    type,
    status,
    reason,
    message,
    lastTransitionTime: ago(900),
  }));

export function node(name: string, ready = "True", message = "kubelet is posting ready status") {
  return thing("v1", "Node", "", name, {
    status: { conditions: conditions(["Ready", ready, "KubeletReady", message]) },
  });
}

export function app(name: string, status: Fields = {}, metadata: Fields = {}) {
  return thing("argoproj.io/v1alpha1", "Application", "argocd", name, {
    metadata,
    spec: {
      project: "cluster",
      source: { repoURL: "ssh://git@git.example.net/c.git", path: `kubernetes/apps/${name}` },
    },
    status: {
      sync: { status: "Synced", revision: COMMIT },
      health: { status: "Healthy", lastTransitionTime: ago(3600) },
      operationState: {
        phase: "Succeeded",
        message: "successfully synced (all tasks run)",
        startedAt: ago(3700),
        finishedAt: ago(3690),
        syncResult: { revision: COMMIT, resources: [] },
      },
      resources: [
        { group: "apps", version: "v1", kind: "Deployment", namespace: name, name, status: "Synced" },
      ],
      reconciledAt: ago(10),
      ...status,
    },
  });
}

export function pod(namespace: string, name: string, owner: [kind: string, name: string], status: Fields) {
  const [kind, ownerName] = owner;
  return thing("v1", "Pod", namespace, name, {
    metadata: { ownerReferences: [{ apiVersion: "apps/v1", kind, name: ownerName, controller: true }] },
    spec: { nodeName: "vultr-1" },
    status: { phase: "Pending", ...status },
  });
}

export function waiting(image: string, reason: string, message: string, rest: Fields = {}) {
  return {
    containerStatuses: [
      { name: "app", image, restartCount: 0, state: { waiting: { reason, message } }, ...rest },
    ],
  };
}

export const CERTIFICATE = {
  spec: {
    secretName: "wildcard-tls",
    dnsNames: ["example.com", "*.example.com"],
    issuerRef: { kind: "ClusterIssuer", name: "letsencrypt-production" },
  },
  status: {
    conditions: conditions(["Ready", "True", "Ready", "Certificate is up to date and has not expired"]),
    notBefore: ago(10 * 86_400),
    notAfter: ago(-80 * 86_400),
    renewalTime: ago(-50 * 86_400),
  },
};

export function certificate(rest: { status?: Fields } = {}, seconds = 86_400) {
  const { status } = rest;
  return thing(
    "cert-manager.io/v1",
    "Certificate",
    "gateway",
    "wildcard",
    { ...CERTIFICATE, ...(status === undefined ? {} : { status }) },
    seconds,
  );
}

/** A certificate that was never issued. */
export const ISSUING = {
  conditions: conditions(
    ["Issuing", "True", "DoesNotExist", "Issuing certificate as Secret does not exist"],
    ["Ready", "False", "DoesNotExist", "Issuing certificate as Secret does not exist"],
  ),
};

const owned = (kind: string, name: string) => ({
  metadata: { ownerReferences: [{ kind, name, controller: true }] },
});

/** Request, order and challenge of the certificate, as far as they are given. */
export function chain(
  order: Fields,
  challenge?: Fields,
  seconds = 120,
  ready: [string, string] = ["Pending", "Waiting on certificate issuance"],
) {
  const acme = "acme.cert-manager.io/v1";
  return [
    thing(
      "cert-manager.io/v1",
      "CertificateRequest",
      "gateway",
      "wildcard-1",
      {
        ...owned("Certificate", "wildcard"),
        status: { conditions: conditions(["Ready", "False", ...ready]) },
      },
      seconds,
    ),
    thing(
      acme,
      "Order",
      "gateway",
      "wildcard-1-42",
      { ...owned("CertificateRequest", "wildcard-1"), status: order },
      seconds,
    ),
    ...(challenge === undefined
      ? []
      : [
          thing(
            acme,
            "Challenge",
            "gateway",
            "wildcard-1-42-7",
            {
              ...owned("Order", "wildcard-1-42"),
              spec: { dnsName: "example.com", type: "DNS-01" },
              status: challenge,
            },
            seconds,
          ),
        ]),
  ];
}

export function issuer(ready = "True", message = "The ACME account was registered with the ACME server") {
  const status = { conditions: conditions(["Ready", ready, "ACMEAccountRegistered", message]) };
  return thing("cert-manager.io/v1", "ClusterIssuer", "", "letsencrypt-production", { status });
}

const fine = conditions(
  ["Accepted", "True", "Accepted", "No error found"],
  ["ResolvedRefs", "True", "ResolvedRefs", "No error found"],
  ["Programmed", "True", "Programmed", "No error found"],
);

export function gateway(status?: Fields, seconds = 86_400) {
  const programmed = conditions(
    ["Accepted", "True", "Accepted", "Gateway successfully scheduled"],
    ["Programmed", "True", "Programmed", "Gateway successfully scheduled"],
  );
  const listeners = ["http", "https-apex", "https-wildcard"].map((name) => ({
    name,
    attachedRoutes: 1,
    conditions: fine,
  }));
  const tls = { mode: "Terminate", certificateRefs: [{ group: "", kind: "Secret", name: "wildcard-tls" }] };
  return thing("gateway.networking.k8s.io/v1", "Gateway", "gateway", "public", {
    spec: { gatewayClassName: "traefik", listeners: [{ name: "http", port: 80 }, { name: "https-apex", port: 443, tls }, { name: "https-wildcard", port: 443, tls }] },
    status: status ?? { conditions: programmed, listeners },
  }, seconds); // prettier-ignore
}

export function listenerFault(name: string, reason: string, message: string) {
  const bad = conditions(["ResolvedRefs", "False", reason, message]);
  return {
    conditions: conditions(["Accepted", "False", "ListenersNotValid", "All Listeners must be valid"]),
    listeners: [{ name, attachedRoutes: 0, conditions: bad }],
  };
}

const PARENT = {
  group: "gateway.networking.k8s.io",
  kind: "Gateway",
  name: "public",
  namespace: "gateway",
  sectionName: "https-wildcard",
};

export function route(
  name: string,
  faults: [type: string, reason: string, message: string][] = [],
  seconds = 86_400,
) {
  const all = conditions(
    ...(["Accepted", "ResolvedRefs"] as const).map((type): [string, string, string, string] => {
      const fault = faults.find(([kind]) => kind === type);
      return fault === undefined ? [type, "True", type, ""] : [type, "False", fault[1], fault[2]];
    }),
  );
  return thing("gateway.networking.k8s.io/v1", "HTTPRoute", name, name, {
    spec: { parentRefs: [PARENT], hostnames: [`${name}.example.com`] },
    status: { parents: [{ parentRef: PARENT, controllerName: "traefik.io/gateway-controller", conditions: all }] },
  }, seconds); // prettier-ignore
}
