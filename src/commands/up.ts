import { EXIT, type ExitCode } from "../output/errors.ts";
import type { Io } from "../output/io.ts";
import { jsonEmit, terminalEmit } from "../output/terminal.ts";
import { writeTree } from "../repository/write.ts";
import { runStages, select, type Selection } from "../run/runner.ts";
import { stages } from "../stages/index.ts";
import { ensureVault } from "../tools/ansible/vault.ts";
import { withLock } from "../tools/lock/lock.ts";
import { type ClusterOption, openCluster, renderCluster, stageContext } from "./cluster.ts";
import { runStatus } from "./status.ts";

export interface UpOptions extends ClusterOption, Selection {
  json: boolean;
}

/** Makes the cluster what `cluster.yaml` says: looks at everything, changes what differs, run again after any end. */
export async function runUp(options: UpOptions, io: Io): Promise<ExitCode> {
  const chosen = select(stages, options);
  const cluster = openCluster(options);
  const emit = options.json ? jsonEmit(io) : terminalEmit(io);
  const done = await withLock(cluster.root, "up", async () => {
    writeTree(cluster.root, renderCluster(cluster));
    const context = await stageContext(cluster, (line) =>
      emit({ event: "log", level: "info", message: line }),
    );
    await ensureVault(cluster.root, context.ansible, cluster.secrets);
    const result = await runStages(chosen, context, emit, Date.now);
    if (!result.ok)
      io.err(`the whole output is in ${context.logFile}\nmend what failed and run \`infra-k3s up\` again\n`);
    return result;
  });
  if (done.ok && chosen.at(-1) === stages.at(-1) && !options.json) {
    io.err("\n");
    await runStatus({ cluster: cluster.root, json: false, check: false }, io);
  }
  return done.ok ? EXIT.ok : EXIT.failed;
}
