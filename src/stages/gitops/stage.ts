import type { Gitops } from "../../config/model.ts";
import { UserError } from "../../output/errors.ts";
import type { Emit } from "../../output/events.ts";
import type { Stage } from "../../run/stage.ts";
import type { ClusterContext } from "../context.ts";
import { bootstrap, handKeys } from "./bootstrap.ts";
import { lookAtCluster, lookAtGit, readKeys, remoteOf, wantedOf } from "./observe.ts";
import { unready } from "./parse.ts";
import { bootstrapReasons, plan, type Seen, secretReasons, standing } from "./plan.ts";
import { publish } from "./publish.ts";
import { openSops, sealAll, type Unsealed, unsealed, WEBHOOK } from "./sealed.ts";
import { waitFor } from "./wait.ts";

/**
 * The cluster follows its git repository: what was minted is sealed into it, the git host has it, ArgoCD is brought up once,
 * and everything in it is waited for. From then on git is the only way in.
 */
export const gitops: Stage<ClusterContext> = {
  name: "gitops",
  async observe(context) {
    const { gitops: declared } = context.model;
    if (declared === null) return { state: "ok", reason: NONE };
    try {
      return standing(await see(context, declared));
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      const { what, why } = error.fault;
      return { state: "failed", reason: why === undefined ? what : `${what}: ${why}` };
    }
  },
  async plan(context) {
    const { gitops: declared } = context.model;
    return declared === null ? [] : plan(await see(context, declared));
  },
  async apply(context, emit) {
    const { gitops: declared } = context.model;
    if (declared === null) return skip(emit, `${NONE}: nothing to follow`);
    if (context.limit.length > 0)
      return skip(
        emit,
        "a run that is limited to some nodes leaves git alone: infra-k3s up, for what is to be committed",
      );
    const sops = await openSops(context);
    const toSeal = await unsealed(context, sops);
    await sealAll(sops, toSeal);
    tellSealed(context, toSeal, emit);
    const keys = await readKeys(sops);
    const wanted = wantedOf(declared, keys);
    const look = await lookAtCluster(context);
    let changed = toSeal.length;
    const [secrets, argocd] = [secretReasons(look, wanted), bootstrapReasons(look, wanted)];
    // Before the repository has anything that only the new key opens; a new cluster gets them with ArgoCD.
    if (secrets.length > 0 && argocd.length === 0) {
      await handKeys(context, declared, keys, look.ageKeys !== wanted.ageKeys, emit);
      changed += 1;
    }
    const published = await publish(remoteOf(context, declared), context.publishing, emit, {
      following: argocd.length === 0,
    });
    changed += published.changed;
    if (argocd.length > 0) {
      emit({ event: "log", level: "info", message: `${argocd.join("; ")}: it is brought up` });
      await bootstrap(context, declared, keys, emit);
      changed += 1;
    }
    if (changed > 0 || unready(look.applications, published.commit).length > 0)
      await waitFor(context, published.commit, emit);
    return changed === 0 ? {} : { gitops: { ok: 0, changed, failed: 0 } };
  },
};

const NONE = "cluster.yaml has no `gitops`";

function skip(emit: Emit, message: string): Record<string, never> {
  emit({ event: "log", level: "info", message });
  return {};
}

async function see(context: ClusterContext, declared: Gitops): Promise<Seen> {
  const sops = await openSops(context);
  const wanted = wantedOf(declared, await readKeys(sops));
  const [look, git, files] = await Promise.all([
    lookAtCluster(context),
    lookAtGit(remoteOf(context, declared)),
    unsealed(context, sops),
  ]);
  return { look, git, wanted, toSeal: files.map(({ sealed, reason }) => ({ path: sealed.path, reason })) };
}

function tellSealed({ model }: ClusterContext, files: readonly Unsealed[], emit: Emit): void {
  for (const { sealed, reason } of files)
    emit({ event: "log", level: "info", message: `sealed ${sealed.path}: ${reason}` });
  if (!files.some(({ sealed }) => sealed === WEBHOOK)) return;
  const lines = [
    "so that a push is seen at once and not within 30 seconds, add a webhook at the git host:",
    `URL https://argocd.${model.domain}/api/webhook, content type application/json, event push`,
    `secret: infra-k3s secrets show ${WEBHOOK.path} ${WEBHOOK.key}`,
  ];
  emit({ event: "log", level: "info", message: lines.join("\n  ") });
}
