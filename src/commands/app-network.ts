import { type App, labelsOf } from "./app-shape.ts";

export function service(app: App): object {
  const { name, namespace } = app;
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name, namespace, labels: labelsOf(app) },
    spec: {
      type: "ClusterIP",
      selector: labelsOf(app),
      ports: [{ name: "http", port: 80, targetPort: "http", protocol: "TCP" }],
    },
  };
}

/** https://cheatsheetseries.owasp.org/cheatsheets/HTTP_Headers_Cheat_Sheet.html */
const HEADERS = {
  "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
  "X-Content-Type-Options": "nosniff",
  "X-Frame-Options": "SAMEORIGIN",
  "Referrer-Policy": "strict-origin-when-cross-origin",
};

export function httpRoute({ name, namespace, host, listener }: App): object {
  return {
    apiVersion: "gateway.networking.k8s.io/v1",
    kind: "HTTPRoute",
    metadata: { name, namespace },
    spec: {
      parentRefs: [
        {
          group: "gateway.networking.k8s.io",
          kind: "Gateway",
          name: "public",
          namespace: "gateway",
          sectionName: listener,
        },
      ],
      hostnames: [host],
      rules: [
        {
          matches: [{ path: { type: "PathPrefix", value: "/" } }],
          filters: [
            {
              type: "ResponseHeaderModifier",
              responseHeaderModifier: {
                set: Object.entries(HEADERS).map(([header, value]) => ({ name: header, value })),
              },
            },
          ],
          backendRefs: [{ group: "", kind: "Service", name, port: 80, weight: 1 }],
        },
      ],
    },
  };
}

/**
 * In: the app's port alone. Out: names, its own namespace, and the internet; not the cluster's other pods, the mesh, the
 * provider's network, or the address at which clouds give a server's credentials away.
 */
export function networkPolicy(
  app: App,
  { podCidr, serviceCidr }: { podCidr: string; serviceCidr: string },
): object {
  const { name, namespace, port } = app;
  const inside = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16"];
  const except = [...inside, ...[podCidr, serviceCidr].filter((cidr) => !cidr.startsWith("10."))];
  return {
    apiVersion: "networking.k8s.io/v1",
    kind: "NetworkPolicy",
    metadata: { name, namespace },
    spec: {
      podSelector: { matchLabels: labelsOf(app) },
      policyTypes: ["Ingress", "Egress"],
      // From everywhere: Traefik is in its nodes' own network, whose addresses no selector knows.
      ingress: [{ ports: [{ port, protocol: "TCP" }] }],
      egress: [
        {
          to: [
            {
              namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "kube-system" } },
              podSelector: { matchLabels: { "k8s-app": "kube-dns" } },
            },
          ],
          ports: [
            { port: 53, protocol: "UDP" },
            { port: 53, protocol: "TCP" },
          ],
        },
        { to: [{ podSelector: {} }] },
        { to: [{ ipBlock: { cidr: "0.0.0.0/0", except } }] },
      ],
    },
  };
}
