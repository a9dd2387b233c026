import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Gitops } from "../../config/model.ts";
import { type Fault, UserError } from "../../output/errors.ts";
import type { Emit } from "../../output/events.ts";
import { gitVerdict } from "../../tools/git/verdict.ts";
import { kustomize } from "../../tools/kubectl/kustomize.ts";
import { runPython } from "../../tools/ssh/python.ts";
import { sshVerdict } from "../../tools/ssh/ssh.ts";
import { type ClusterContext, masterTarget } from "../context.ts";
import { bootstrapSecrets, proofPod, sortBootstrap } from "./manifests.ts";
import { type Keys, publicDeployKey } from "./observe.ts";
import { DEPLOY_KEY_PUBLIC } from "./sealed.ts";

const PROGRAM = readFileSync(join(import.meta.dirname, "bootstrap.py"), "utf8");
const FOLDER = "kubernetes/bootstrap/argocd";
const PATIENCE_MS = 15 * 60_000;

/** Hands the cluster its keys, shows that it can read the repository, and applies ArgoCD: in one round trip. */
export async function bootstrap(
  context: ClusterContext,
  gitops: Gitops,
  keys: Keys,
  emit: Emit,
): Promise<void> {
  const { image, ...phases } = sortBootstrap(await kustomize(context.lock, context.root, FOLDER));
  const data = {
    ...phases,
    secrets: bootstrapSecrets(gitops.repository, keys),
    pod: proofPod(image, gitops),
    restart: false,
  };
  await onMaster(context, gitops, data, emit);
}

/** Hands a cluster that has ArgoCD its keys anew. */
export async function handKeys(
  context: ClusterContext,
  gitops: Gitops,
  keys: Keys,
  restart: boolean,
  emit: Emit,
): Promise<void> {
  const data = { namespaces: [], secrets: bootstrapSecrets(gitops.repository, keys), pod: null, restart };
  await onMaster(context, gitops, data, emit);
}

async function onMaster(context: ClusterContext, gitops: Gitops, data: unknown, emit: Emit): Promise<void> {
  const target = masterTarget(context);
  let fault: { fault: string; output: string } | undefined;
  const { exitCode, stderr, timedOut } = await runPython(target, PROGRAM, data, {
    timeout: PATIENCE_MS,
    onLine: (line) => {
      if (!line.startsWith("{")) return;
      const said = JSON.parse(line) as { step: string } | { fault: string; output: string };
      if ("step" in said) emit({ event: "log", level: "info", message: said.step });
      else fault = said;
    },
  });
  if (exitCode === 0) return;
  if (fault !== undefined) throw new UserError(explain(context, gitops, fault));
  if (exitCode === 255)
    throw new UserError({ what: "the master can't be reached by SSH", ...sshVerdict(stderr, target) });
  throw new UserError({
    what: "ArgoCD's bootstrap broke off",
    why: timedOut
      ? `no end after ${PATIENCE_MS / 60_000} min`
      : stderr.trim().split("\n").at(-1) || "it said nothing",
    fix: "run infra-k3s up again: it goes on where it was",
  });
}

function explain(
  { root }: ClusterContext,
  gitops: Gitops,
  { fault, output }: { fault: string; output: string },
): Fault {
  const { repository, host, branch } = gitops;
  switch (fault) {
    case "git": {
      const key = publicDeployKey(root, DEPLOY_KEY_PUBLIC);
      return {
        what: "the cluster can't read the repository",
        ...gitVerdict(output, { who: "cluster", repository, host, branch, key }),
      };
    }
    case "branch":
      return {
        what: "the cluster reads the repository, and finds no branch in it",
        why: `${repository} has no ${branch}`,
        fix: "push it: infra-k3s up --push",
      };
    case "pod":
      return {
        what: "no pod could be started to read the repository from the cluster",
        why: output,
        fix: "infra-k3s status; then infra-k3s up again",
      };
    default:
      return {
        what: "ArgoCD's manifests could not be applied",
        why: output,
        fix: "infra-k3s up goes on where it was",
      };
  }
}
