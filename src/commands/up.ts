import { requireCredentials } from "../doctor/credentials/check.ts";
import { EXIT, type ExitCode, UserError } from "../output/errors.ts";
import type { Io } from "../output/io.ts";
import { jsonEmit, terminalEmit } from "../output/terminal.ts";
import { writeTree } from "../repository/write.ts";
import { runStages, select, type Selection } from "../run/runner.ts";
import type { Stage, Step } from "../run/stage.ts";
import type { ClusterContext } from "../stages/context.ts";
import { stages } from "../stages/index.ts";
import { ensureVault } from "../tools/ansible/vault.ts";
import { requireLock } from "../tools/downloads/lock.ts";
import { ensureManifests } from "../tools/downloads/manifests.ts";
import { withLock } from "../tools/lock/lock.ts";
import {
  type Cluster,
  type ClusterOption,
  openCluster,
  renderCluster,
  stageContext,
  withState,
} from "./cluster.ts";
import { concluded } from "./outcome.ts";
import { publishingOf } from "./publishing.ts";
import { runStatus } from "./status.ts";

export interface UpOptions extends ClusterOption, Selection {
  json: boolean;
  /** Only these nodes, by name; the others are neither looked at nor changed. */
  limit?: readonly string[] | undefined;
  /** What OpenTofu may destroy although it is protected: addresses of resources, or nodes. */
  allowDestroy?: readonly string[] | undefined;
  /** Commit and push what differs from the git host's branch, without asking. */
  push?: boolean | undefined;
}

/** The stages in which something is made at a provider. */
const ASKS_PROVIDERS: ReadonlySet<string> = new Set(["servers", "dns"]);

/** Makes the cluster what `cluster.yaml` says: looks at everything, changes what differs, run again after any end. */
export async function runUp(options: UpOptions, io: Io): Promise<ExitCode> {
  const chosen = select(stages, options);
  const opened = openCluster(options);
  const limit = knownNodes(opened, options.limit ?? []);
  const emit = options.json ? jsonEmit(io) : terminalEmit(io);
  const code = await withLock(opened.root, "up", async () => {
    const progress = (message: string) => emit({ event: "log", level: "info", message });
    await ensureManifests(opened.root, requireLock(opened.root, opened.model));
    writeTree(opened.root, renderCluster(opened));
    if (chosen.some(({ name }) => ASKS_PROVIDERS.has(name)))
      await requireCredentials(opened.model, opened.secrets);
    const cluster = await withState(opened, progress);
    const context = await stageContext(cluster, progress, {
      limit,
      allowDestroy: options.allowDestroy ?? [],
      publishing: publishingOf(cluster.root, options.push === true),
    });
    await ensureVault(cluster.root, context.ansible, cluster.secrets);
    const result = await runStages(
      limit.length === 0 ? chosen : chosen.map(withTheRest),
      context,
      emit,
      Date.now,
    );
    return concluded(result, context.logFile, "`infra-k3s up`", io);
  });
  if (code === EXIT.ok && chosen.at(-1) === stages.at(-1) && !options.json) {
    io.err("\n");
    await runStatus({ cluster: opened.root, json: false, check: false }, io);
  }
  return code;
}

function knownNodes({ model }: Cluster, limit: readonly string[]): readonly string[] {
  const names = model.nodes.map(({ name }) => name);
  const unknown = limit.find((name) => !names.includes(name));
  if (unknown === undefined) return limit;
  throw new UserError(
    { what: `there is no node "${unknown}"`, fix: `nodes: ${names.join(", ")}` },
    EXIT.usage,
  );
}

/** A limited run counts the hosts it left alone, too: with nothing. */
function withTheRest(stage: Stage<ClusterContext>): Step<ClusterContext> {
  return {
    name: stage.name,
    apply: async (context, emit) => ({
      ...Object.fromEntries(context.model.nodes.map((node) => [node.name, { ok: 0, changed: 0, failed: 0 }])),
      ...(await stage.apply(context, emit)),
    }),
  };
}
