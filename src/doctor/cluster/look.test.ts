import { createHash } from "node:crypto";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { run } from "../../tools/process/process.ts";
import { withData } from "../../tools/ssh/python.ts";
import { ClusterFactsSchema } from "./facts.ts";

const base64 = (text: string) => Buffer.from(text).toString("base64");
const KEY = "AGE-SECRET-KEY-1QQPQQ"; // not-a-secret: too short to be one
const secret = (namespace: string, name: string, data: Record<string, string>) => ({
  kind: "Secret",
  metadata: { namespace, name },
  data: Object.fromEntries(Object.entries(data).map(([key, value]) => [key, base64(value)])),
});
const workload = (kind: string, namespace: string, name: string, spec: object) => ({
  kind,
  metadata: { namespace, name },
  spec: { template: { spec } },
});
const THINGS = [
  workload("Deployment", "argocd", "argocd-repo-server", {
    containers: [
      {
        name: "argocd-repo-server",
        env: [{ name: "SOPS_AGE_KEY_FILE", value: "/sops-age/keys.txt" }],
        volumeMounts: [{ name: "sops-age" }],
      },
    ],
    initContainers: [
      {
        name: "install-ksops",
        image: "viaductoss/ksops:v4.5.1",
        command: ["/usr/local/bin/ksops", "install", "/x"],
      },
      { name: "copyutil", image: "argocd", command: ["/bin/cp"] },
    ],
    volumes: [{ name: "sops-age", secret: { secretName: "sops-age" } }],
  }),
  workload("Deployment", "argocd", "spy", {
    containers: [{ name: "c", envFrom: [{ secretRef: { name: "sops-age" } }] }],
  }),
  workload("DaemonSet", "traefik", "traefik", { containers: [{ name: "traefik", args: ["--ping=true"] }] }),
  { kind: "HelmChart", metadata: { namespace: "kube-system", name: "traefik-crd" } },
  { kind: "AppProject", metadata: { namespace: "argocd", name: "default" }, spec: {} },
  {
    kind: "Gateway",
    metadata: {
      namespace: "gateway",
      name: "public",
      annotations: { "cert-manager.io/cluster-issuer": "x" },
    },
    spec: { listeners: [{ name: "h", port: 443, tls: { certificateRefs: [{ name: "wildcard-tls" }] } }] },
  },
  {
    kind: "Application",
    metadata: { namespace: "argocd", name: "shop" },
    status: {
      sync: { status: "OutOfSync", revision: "c" },
      operationState: { phase: "Succeeded", syncResult: { revision: "c" } },
      resources: [{ kind: "HTTPRoute", name: "shop", status: "OutOfSync" }],
    },
  },
];
const SECRETS = [
  secret("argocd", "sops-age", { "keys.txt": `# public key: age1x\n${KEY}\n` }),
  secret("shop", "db", { password: "ENC[AES256_GCM,data:hidden,iv:x,tag:y,type:str]", user: "plain-value" }), // not-a-secret: ciphertext of nothing
];
const K3S = `#!/bin/sh
cd "$LOOK"
case "$*" in
  *jsonpath*) printf 'httproutes.gateway.networking.k8s.io\\tv1.4.0\\tstandard\\t\\nappprojects.argoproj.io\\t\\t\\t\\n' ;;
  *"get secrets"*) cat secrets ;;
  *configmap*) echo '{"data":{"kustomize.buildOptions":"--enable-exec"}}' ;;
  *) cat things ;;
esac
`;

test("what it gathers is what judge.ts reads, and no Secret's value is in it", async () => {
  const folder = mkdtempSync(join(tmpdir(), "look-"));
  writeFileSync(join(folder, "k3s"), K3S);
  chmodSync(join(folder, "k3s"), 0o755);
  writeFileSync(join(folder, "secrets"), JSON.stringify({ items: SECRETS }));
  writeFileSync(join(folder, "things"), JSON.stringify({ items: THINGS }));
  const program = readFileSync(join(import.meta.dirname, "look.py"), "utf8");
  const { stdout, stderr } = await run({
    argv: ["python3", "-"],
    stdin: withData(program, null),
    env: { PATH: `${folder}:${process.env["PATH"] ?? ""}`, LOOK: folder },
  });
  rmSync(folder, { recursive: true });

  expect(stderr).toBe("");
  expect(stdout).not.toMatch(/AGE-SECRET-KEY|hidden|plain-value/);
  const facts = ClusterFactsSchema.parse(JSON.parse(stdout));
  expect(facts).toMatchObject({
    crds: [
      { name: "httproutes.gateway.networking.k8s.io", version: "v1.4.0", channel: "standard", helm: "" },
    ],
    helmCharts: ["traefik-crd"],
    traefik: ["--ping=true"],
    certManager: null,
    buildOptions: "--enable-exec",
    ksops: { install: ["/usr/local/bin/ksops", "install", "/x"], keyFile: "/sops-age/keys.txt" },
    ageUsers: ["argocd-repo-server/argocd-repo-server", "spy/c"],
    ageKeys: [createHash("sha256").update(KEY).digest("hex")],
    ciphertext: [{ namespace: "shop", name: "db", key: "password" }],
    projects: [{ name: "default", sourceRepos: [], destinations: [] }],
    differing: [{ app: "shop", kind: "HTTPRoute", name: "shop" }],
    gateways: [
      {
        name: "public",
        shim: ["cert-manager.io/cluster-issuer"],
        listeners: [{ port: 443, secrets: ["wildcard-tls"] }],
      },
    ],
  });
});
