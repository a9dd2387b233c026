import type { Lock } from "../../config/lock.ts";
import type { ClusterModel, Gitops } from "../../config/model.ts";
import { toYaml } from "../yaml.ts";
import { documents } from "./applications.ts";

const GATEWAY = "gateway.networking.k8s.io";
const GUARD = { "argocd.argoproj.io/sync-options": "Prune=false,Delete=false" };
const wave = (number: number) => ({ "argocd.argoproj.io/sync-wave": String(number) });

const ACME: Readonly<Record<Gitops["issuer"], string>> = {
  staging: "https://acme-staging-v02.api.letsencrypt.org/directory",
  production: "https://acme-v02.api.letsencrypt.org/directory",
};

/** `kubernetes/infrastructure/issuers/cluster.yaml`: Let's Encrypt, by DNS-01 in the zone. */
export function renderIssuers({ email }: Gitops, zone: string): string {
  return documents(
    Object.entries(ACME).map(([name, server]) => ({
      apiVersion: "cert-manager.io/v1",
      kind: "ClusterIssuer",
      metadata: { name: `letsencrypt-${name}` },
      spec: {
        acme: {
          email,
          server,
          privateKeySecretRef: { name: `letsencrypt-${name}` },
          solvers: [
            {
              selector: { dnsZones: [zone] },
              dns01: { cloudflare: { apiTokenSecretRef: { name: "cloudflare-dns", key: "api-token" } } },
            },
          ],
        },
      },
    })),
  );
}

/** `kubernetes/infrastructure/gateway/cluster.yaml`: the certificate, then the Gateway with it, then the webhook's route. */
export function renderGateway(domain: string, issuer: Gitops["issuer"]): string {
  return documents([certificate(domain, issuer), gateway(domain), webhookRoute(domain)]);
}

/** Explicit, not made by a shim of the Gateway's: it is there first, and outlives the Gateway. */
function certificate(domain: string, issuer: Gitops["issuer"]): object {
  return {
    apiVersion: "cert-manager.io/v1",
    kind: "Certificate",
    metadata: { name: "wildcard", namespace: "gateway", annotations: { ...wave(0), ...GUARD } },
    spec: {
      secretName: "wildcard-tls",
      // A wildcard does not cover the domain itself.
      dnsNames: [domain, `*.${domain}`],
      issuerRef: { group: "cert-manager.io", kind: "ClusterIssuer", name: `letsencrypt-${issuer}` },
      privateKey: { algorithm: "ECDSA", size: 256, rotationPolicy: "Always" },
    },
  };
}

/** Listeners' ports are those of Traefik's entrypoints: by them it finds which is meant. */
function gateway(domain: string): object {
  const allowedRoutes = {
    namespaces: { from: "Selector", selector: { matchLabels: { "infra-k3s/routes": "true" } } },
  };
  const https = (name: string, hostname: string) => ({
    name,
    hostname,
    port: 443,
    protocol: "HTTPS",
    tls: {
      mode: "Terminate",
      certificateRefs: [{ group: "", kind: "Secret", name: "wildcard-tls" }],
    },
    allowedRoutes,
  });
  return {
    apiVersion: `${GATEWAY}/v1`,
    kind: "Gateway",
    metadata: { name: "public", namespace: "gateway", annotations: { ...wave(1), ...GUARD } },
    spec: {
      gatewayClassName: "traefik",
      listeners: [
        { name: "http", port: 80, protocol: "HTTP", allowedRoutes },
        https("https-apex", domain),
        https("https-wildcard", `*.${domain}`),
      ],
    },
  };
}

/** Of ArgoCD nothing but the address that a git host tells of a push. */
function webhookRoute(domain: string): object {
  return {
    apiVersion: `${GATEWAY}/v1`,
    kind: "HTTPRoute",
    metadata: { name: "argocd-webhook", namespace: "argocd", annotations: wave(2) },
    spec: {
      parentRefs: [
        {
          group: GATEWAY,
          kind: "Gateway",
          name: "public",
          namespace: "gateway",
          sectionName: "https-wildcard",
        },
      ],
      hostnames: [`argocd.${domain}`],
      rules: [
        {
          matches: [{ path: { type: "Exact", value: "/api/webhook" }, method: "POST" }],
          backendRefs: [{ group: "", kind: "Service", name: "argocd-server", port: 80, weight: 1 }],
        },
      ],
    },
  };
}

/**
 * `kubernetes/infrastructure/traefik/cluster.yaml`: a JSON patch of Traefik's DaemonSet for the cluster's way in.
 * Arguments, not variables: Traefik takes its configuration from one kind of place alone.
 * https://doc.traefik.io/traefik/v3.6/getting-started/configuration-overview/#the-install-configuration
 */
export function renderTraefik({ cloudflare }: ClusterModel, ranges: Lock["cloudflareRanges"]): string {
  const behindEdge = cloudflare?.proxied === true && ranges !== undefined;
  const trusted = behindEdge ? [...ranges.ipv4, ...ranges.ipv6].join(",") : "";
  // Whose word on the client's address counts: the edge's where it is in front, else nobody's.
  const trust = trusted === "" ? "insecure=false" : `trustedips=${trusted}`;
  const args = ["web", "websecure"].map((entrypoint) => ({
    op: "add",
    path: "/spec/template/spec/containers/0/args/-",
    value: `--entrypoints.${entrypoint}.forwardedheaders.${trust}`,
  }));
  return toYaml(cloudflare?.tunnel === true ? [...args, ...BEHIND_TUNNEL] : args);
}

/** On every node, reached by cloudflared alone: in the pods' network, where nothing has to be held back. */
const BEHIND_TUNNEL = [
  { op: "replace", path: "/spec/template/spec/hostNetwork", value: false },
  { op: "replace", path: "/spec/template/spec/dnsPolicy", value: "ClusterFirst" },
  { op: "remove", path: "/spec/template/spec/nodeSelector" },
  // The node's own loopback is not the pod's.
  { op: "add", path: "/spec/template/spec/containers/0/args/-", value: "--entrypoints.ping.address=:9180" },
  { op: "remove", path: "/spec/template/spec/containers/0/readinessProbe/httpGet/host" },
  { op: "remove", path: "/spec/template/spec/containers/0/livenessProbe/httpGet/host" },
  { op: "remove", path: "/spec/template/spec/initContainers" },
  { op: "remove", path: "/spec/template/spec/containers/0/volumeMounts" },
  { op: "remove", path: "/spec/template/spec/volumes" },
];
