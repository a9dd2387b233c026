import { CLOUDS, type ClusterModel, STACKS } from "../config/model.ts";
import { EXIT, type ExitCode, UserError } from "../output/errors.ts";
import type { Emit, HostSummary } from "../output/events.ts";
import type { Io } from "../output/io.ts";
import { jsonEmit, terminalEmit } from "../output/terminal.ts";
import { writeTree } from "../repository/write.ts";
import { runStages } from "../run/runner.ts";
import type { Step } from "../run/stage.ts";
import type { ClusterContext } from "../stages/context.ts";
import { bring, hasStack, open } from "../stages/stack/bring.ts";
import { runPlaybook } from "../tools/ansible/playbook.ts";
import { settleBackups } from "../tools/cloudflare/backups.ts";
import { hasBucket, tokenOf } from "../tools/cloudflare/buckets.ts";
import { removeState } from "../tools/cloudflare/state.ts";
import { withLock } from "../tools/lock/lock.ts";
import { forgetSecrets } from "../tools/secrets/envrc.ts";
import { removeDevices } from "../tools/tailscale/tailscale.ts";
import { stateList, stateRemove } from "../tools/tofu/stack.ts";
import { type ClusterOption, openCluster, renderCluster, stageContext, withState } from "./cluster.ts";
import { confirm } from "./confirm.ts";
import { concluded } from "./outcome.ts";

export interface DestroyOptions extends ClusterOption {
  json: boolean;
  /** Don't ask. */
  yes: boolean;
  /** The bucket of the backups, named so that nobody deletes it unawares. */
  deleteBackups?: string | undefined;
}

/**
 * Takes away all that this cluster has anywhere, but the bucket of its backups where that is not named; hosts of one's own are
 * reset and stay. Killed anywhere, it is run again: the state, which knows what is left, goes last.
 */
export async function runDestroy(options: DestroyOptions, io: Io): Promise<ExitCode> {
  const opened = openCluster(options);
  const { model } = opened;
  refuseOtherBucket(model, options.deleteBackups);
  if (!options.yes) await confirm(losses(model, options), "cluster's name", model.name, io);
  const emit = options.json ? jsonEmit(io) : terminalEmit(io);
  return withLock(opened.root, "destroy", async () => {
    writeTree(opened.root, renderCluster(opened));
    const progress = (message: string) => emit({ event: "log", level: "info", message });
    const at = model.cloudflare;
    // Nothing is made for the sake of being destroyed.
    const stateful = at !== null && (await hasBucket(tokenOf(opened.secrets), at, at.stateBucket));
    const cluster = stateful ? await withState(opened, progress) : opened;
    const context = await stageContext(cluster, progress);
    const named = options.deleteBackups !== undefined;
    const steps = [
      reset,
      devices,
      ...(stateful ? [records, servers] : []),
      ...(at === null ? [] : [backups(named)]),
      ...(stateful ? [state] : []),
    ];
    return concluded(await runStages(steps, context, emit, Date.now), context.logFile, "this", io);
  });
}

/** The hosts that nobody destroys. */
const kept = ({ model, servers }: ClusterContext) =>
  model.nodes.filter(
    ({ name, provider }) =>
      servers[name] !== undefined && (model.cloudflare === null || provider === "existing"),
  );

const reset: Step<ClusterContext> = {
  name: "reset",
  async apply(context, emit) {
    const limit = kept(context).map(({ name }) => name);
    if (limit.length === 0) return {};
    const extraVars = { confirm: context.model.name };
    return (await runPlaybook({ ...context, limit, name: "reset", stage: "reset", extraVars }, emit)).hosts;
  },
};

const devices: Step<ClusterContext> = {
  name: "devices",
  async apply({ secrets, model }, emit) {
    const names = model.nodes.map(({ meshName }) => meshName);
    const count = await removeDevices(secrets, model.mesh, names);
    if (count > 0)
      emit({ event: "log", level: "info", message: `${count} devices removed from the tailnet` });
    return done("tailscale", count);
  },
};

/** At Cloudflare: before the servers, so that no name leads to what is somebody else's by then. The bucket is left out. */
const records: Step<ClusterContext> = {
  name: "dns",
  async apply(context, emit) {
    if (!hasStack(context, "cloudflare")) return {};
    const stack = await open(context, "cloudflare");
    const buckets = (await stateList(stack)).filter((address) => address.includes(".cloudflare_r2_bucket"));
    if (buckets.length > 0) await stateRemove(stack, buckets);
    return destroyStack(context, "cloudflare", emit);
  },
};

const backups = (named: boolean): Step<ClusterContext> => ({
  name: "backups",
  async apply({ model, secrets }, emit) {
    const message = await settleBackups(model, secrets, named);
    if (message !== undefined) emit({ event: "log", level: "info", message });
    return done("cloudflare", message !== undefined && named ? 1 : 0);
  },
});

const servers: Step<ClusterContext> = {
  name: "servers",
  async apply(context, emit) {
    const clouds = CLOUDS.filter((cloud) => hasStack(context, cloud));
    const all = await Promise.allSettled(clouds.map((cloud) => destroyStack(context, cloud, emit)));
    const failed = all.find((one) => one.status === "rejected");
    if (failed !== undefined) throw failed.reason;
    const own = Object.entries(context.servers).filter(([, { id }]) => id === undefined);
    context.saveServers(Object.fromEntries(own));
    return Object.assign({}, ...all.map((one) => (one.status === "fulfilled" ? one.value : {})));
  },
};

const state: Step<ClusterContext> = {
  name: "state",
  async apply({ root, model, secrets }, emit) {
    await removeState(model, secrets);
    forgetSecrets(root, ["TF_VAR_state_access_key_id", "TF_VAR_state_secret_access_key"]);
    emit({
      event: "log",
      level: "info",
      message: `the bucket ${model.cloudflare?.stateBucket} of OpenTofu's state is gone`,
    });
    return done("cloudflare", 1);
  },
};

async function destroyStack(
  context: ClusterContext,
  stack: (typeof STACKS)[number],
  emit: Emit,
): Promise<Record<string, HostSummary>> {
  const { changes } = await bring({ context, stage: "destroy", stack, options: { destroy: true } }, emit);
  return done(stack, changes.length);
}

const done = (host: string, changed: number): Record<string, HostSummary> =>
  changed === 0 ? {} : { [host]: { ok: 0, changed, failed: 0 } };

function refuseOtherBucket({ cloudflare }: ClusterModel, named: string | undefined): void {
  if (named === undefined || named === cloudflare?.backupBucket) return;
  throw new UserError(
    {
      what: `${named} is not the bucket of this cluster's backups`,
      fix:
        cloudflare === null
          ? "cluster.yaml has no `cloudflare`, so there is none"
          : `it is ${cloudflare.backupBucket}`,
    },
    EXIT.usage,
  );
}

function losses({ nodes, cloudflare }: ClusterModel, { deleteBackups }: DestroyOptions): string {
  const names = (own: boolean) =>
    nodes
      .filter(({ provider }) => (cloudflare === null || provider === "existing") === own)
      .map(({ name }) => name);
  const [own, created] = [names(true), names(false)];
  return [
    ...(created.length > 0
      ? [`This destroys the servers ${created.join(", ")} with all that is on them.`]
      : []),
    ...(own.length > 0 ? [`This removes K3s with all its data from ${own.join(", ")}.`] : []),
    ...(deleteBackups === undefined ? [] : [`It deletes the bucket ${deleteBackups} with all backups.`]),
  ].join("\n");
}
