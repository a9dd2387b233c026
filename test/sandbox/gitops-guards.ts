import assert from "node:assert/strict";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Case, eventually } from "./harness.ts";
import { commitAndPush, gitopsStatus, k } from "./gitops-place.ts";
import { cluster, infra, must } from "./place.ts";
import { apply, kubectl } from "./probe.ts";

const path = (...parts: string[]) => join(cluster, "kubernetes", ...parts);
const health = (name: string) =>
  k(`get application ${name} -n argocd -o 'jsonpath={.status.health.status}' --ignore-not-found`);

/** Waits until the Application is Synced and Healthy at the newest commit. */
export async function settled(name: string, seconds = 180): Promise<void> {
  const look = async () => (await gitopsStatus()).apps.find((app) => app.name === name);
  await eventually(`${name} Synced and Healthy`, look, (app) => app?.sync === "Synced" && app.health === "Healthy", seconds); // prettier-ignore
}

const configMap = (namespace: string) =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: next, namespace: ${namespace} }\n`;

const stranger = (command: string) => `
apiVersion: v1
kind: Pod
metadata: { name: stranger, namespace: stranger }
spec:
  restartPolicy: Never
  terminationGracePeriodSeconds: 0
  securityContext: { runAsNonRoot: true, runAsUser: 65534, seccompProfile: { type: RuntimeDefault } }
  containers:
    - name: stranger
      image: ghcr.io/infra-k3s/probe:1
      command: [sh, -c, ${JSON.stringify(command)}]
      securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: [ALL] } }
`;

/** What git may not do by accident, and what nobody else may do at all. */
export const guards: readonly Case[] = [
  {
    name: "gitops: a pod of another namespace reaches neither Redis nor the repo-server, but the API's page",
    async run() {
      await apply("apiVersion: v1\nkind: Namespace\nmetadata: { name: stranger }\n");
      const ports = { "argocd-redis": 6379, "argocd-repo-server": 8081, "argocd-server": 80 };
      const tries = Object.entries(ports).map(
        ([name, port]) =>
          `timeout 4 nc -w 3 ${name}.argocd.svc.cluster.local ${port} </dev/null >/dev/null 2>&1 && echo ${name} open || echo ${name} closed`,
      );
      await apply(stranger(tries.join("; ")));
      await kubectl("wait", "pod/stranger", "-n", "stranger", "--for=jsonpath={.status.phase}=Succeeded", "--timeout=90s"); // prettier-ignore
      const log = await kubectl("logs", "-n", "stranger", "stranger");
      await kubectl("delete", "namespace", "stranger", "--wait=false");

      assert.deepEqual(log.trim().split("\n"), ["argocd-redis closed", "argocd-repo-server closed", "argocd-server open"]); // prettier-ignore
    },
  },
  {
    full: true,
    name: "gitops: a Gateway whose manifest is removed by accident stays, and is told; a second repository is refused",
    async run() {
      const file = path("infrastructure/gateway/kustomization.yaml");
      const text = readFileSync(file, "utf8");
      writeFileSync(file, text.replace(/^.*cluster\.yaml\n(?![\s\S]*cluster\.yaml)/m, ""));
      await commitAndPush("Lose the Gateway");
      await eventually(
        "the loss to be seen",
        () =>
          k(
            "get application gateway -n argocd -o 'jsonpath={.status.sync.status} {.status.resources[*].requiresPruning}'",
          ),
        (seen) => seen.includes("true"),
        120,
      );
      const gateway = await k("get gateway public -n gateway -o name");
      writeFileSync(file, text);
      await commitAndPush("Bring the Gateway back");
      await settled("gateway");

      assert.match(gateway, /public/);
      await apply(`
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: { name: foreign, namespace: argocd }
spec:
  project: cluster
  source: { repoURL: "https://github.com/somebody/else.git", path: ., targetRevision: HEAD }
  destination: { server: https://kubernetes.default.svc, namespace: default }
`);
      const seen = await eventually(
        "the refusal",
        () => k("get application foreign -n argocd -o 'jsonpath={.status.conditions[*].message}'"),
        (message) => message !== "",
        60,
      );
      await k("delete application foreign -n argocd");
      assert.match(seen, /not permitted in project 'cluster'/);
    },
  },
  {
    full: true,
    name: "gitops: a broken wave keeps the next from starting, and status says which and why",
    async run() {
      const kustomization = path("infrastructure/gateway-api/kustomization.yaml");
      const text = readFileSync(kustomization, "utf8");
      const [broken, next] = [path("infrastructure/gateway-api/broken.yaml"), path("infrastructure/next")];
      writeFileSync(broken, configMap("nowhere-at-all"));
      writeFileSync(kustomization, text.replace("resources:\n", "resources:\n  - broken.yaml\n"));
      const wave2 = readFileSync(path("infrastructure/cert-manager/application.yaml"), "utf8");
      mkdirSync(next);
      writeFileSync(join(next, "application.yaml"), wave2.replaceAll("cert-manager", "next"));
      writeFileSync(join(next, "kustomization.yaml"), "resources: [map.yaml]\n");
      writeFileSync(join(next, "map.yaml"), configMap("default"));
      await commitAndPush("Break wave 1, and add to wave 2");
      const told = await eventually(
        "the failure in status",
        async () => (await gitopsStatus()).problems.map(({ what, why }) => `${what} ${why}`).join("\n"),
        (words) => /nowhere-at-all/.test(words),
        120,
      );
      await sleep(20_000);
      const early = await k("get applications -n argocd next --ignore-not-found -o name");
      rmSync(broken);
      writeFileSync(kustomization, text);
      await commitAndPush("Mend wave 1");
      await settled("gateway-api");
      await settled("next");
      rmSync(next, { recursive: true });
      await commitAndPush("Take it out of wave 2 again");
      await eventually(
        "its end",
        () => k("get applications -n argocd next --ignore-not-found -o name"),
        (name) => name.trim() === "",
      );

      assert.equal(early, "", "wave 2 has not begun");
      assert.match(told, /gateway-api/);
      assert.equal(await health("cluster"), "Healthy");
    },
  },
  {
    name: "gitops: without the age key nothing is applied, ciphertext least of all, and doctor explains it",
    async run() {
      const saved = await k("get secret sops-age -n argocd -o yaml");
      await k("delete secret sops-age -n argocd");
      await k("rollout restart deployment/argocd-repo-server -n argocd");
      const told = await eventually(
        "doctor's words",
        async () => (await infra(["doctor", "--json"])).stdout,
        (words) => /sops-age/.test(words),
        60,
      );
      await must(infra(["up", "--only", "gitops"]));
      const secrets = await k(
        "get secrets -A -o 'jsonpath={range .items[*]}{.metadata.name} {.data}{\"\\n\"}{end}'",
      );

      assert.ok(saved.includes("keys.txt"));
      assert.match(told, /secrets rotate|infra-k3s up/);
      assert.ok(!secrets.includes(Buffer.from("ENC[").toString("base64").slice(0, 5)));
      await settled("issuers");
    },
  },
];
