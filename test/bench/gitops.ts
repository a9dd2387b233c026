import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { changeAccounts } from "../../sandbox/services/git-accounts.ts";
import { eventually } from "../sandbox/harness.ts";
import { commitAndPush, git, k, STATE } from "../sandbox/gitops-place.ts";
import { cluster, infra, must } from "../sandbox/place.ts";
import { median, type Sample } from "./measure.ts";
import type { Table } from "./report.ts";

const APP = join(cluster, "kubernetes/apps/echo/kustomization.yaml");
const SETTINGS = join(cluster, "kubernetes/bootstrap/argocd/patches/settings.yaml");

/** From a push until ArgoCD says that the app is as that commit has it, and its new pods are Healthy. */
export async function pushToHealthy(rounds: number): Promise<Table> {
  await must(infra(["sandbox", "up"]));
  const ours = await pushes(rounds);
  const settings = readFileSync(SETTINGS, "utf8");
  await stockPolling();
  const stock = await pushes(rounds);
  writeFileSync(SETTINGS, settings);
  await commitAndPush("Our own intervals");
  return {
    title: "A push",
    text: "A commit that gives an app of one replica new pods. Stock ArgoCD asks the git host every 120 s and up to 60 s later, which here is the same ArgoCD without webhook and with upstream's intervals; not taking turns, since it starts anew with them.",
    rows: [
      {
        what: "push to Synced and Healthy",
        measured: ours,
        against: "stock ArgoCD, polling",
        floor: stock,
        bound: 0.5,
      },
    ],
  };
}

async function pushes(rounds: number): Promise<Sample> {
  const text = readFileSync(APP, "utf8").replace(/^commonAnnotations.*\n/m, "");
  const walls: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const mark = `${Date.now()}`;
    writeFileSync(APP, `${text}commonAnnotations: { round: "${mark}" }\n`);
    await commitAndPush(`Round ${mark}`);
    const pushed = performance.now();
    const commit = (await git("git rev-parse HEAD")).stdout.trim();
    await eventually(
      "the commit's pods",
      () => k(`get application echo -n argocd -o 'jsonpath={.status.sync.status} {.status.health.status} {.status.sync.revision}'`), // prettier-ignore
      (said) => said === `Synced Healthy ${commit}`,
      600,
    );
    walls.push((performance.now() - pushed) / 1000);
  }
  return { wall: median(walls), cpu: 0 };
}

/** https://argo-cd.readthedocs.io/en/stable/operator-manual/high_availability/#argocd-application-controller */
async function stockPolling(): Promise<void> {
  changeAccounts(STATE, (accounts) => (accounts.webhooks = []));
  writeFileSync(SETTINGS, readFileSync(SETTINGS, "utf8").replaceAll(/^ *timeout\.reconciliation.*\n/gm, ""));
  await commitAndPush("Intervals of upstream");
  await eventually(
    "the settings",
    () => k("get configmap argocd-cm -n argocd -o json"),
    (said) => !said.includes("timeout.reconciliation"),
  );
  const parts = ["statefulset/argocd-application-controller", "deployment/argocd-repo-server"];
  await k(`rollout restart -n argocd ${parts.join(" ")}`);
  for (const part of parts) await k(`rollout status -n argocd ${part} --timeout=300s`);
}
