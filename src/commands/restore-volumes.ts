import { masterOf } from "../config/model.ts";
import { EXIT, type ExitCode } from "../output/errors.ts";
import type { Io } from "../output/io.ts";
import { jsonEmit, terminalEmit } from "../output/terminal.ts";
import { writeTree } from "../repository/write.ts";
import { runStages } from "../run/runner.ts";
import { withLock } from "../tools/lock/lock.ts";
import { openBackups } from "./backup-place.ts";
import { type ClusterOption, openCluster, renderCluster, stageContext } from "./cluster.ts";
import { recoveryKeys } from "./recovery-kit-verify.ts";
import { BEGUN_VOLUMES, type BegunVolumes, forgetBegun, noteBegun, readBegun } from "./restore-begun.ts";
import { volumesSteps } from "./restore-cluster-steps.ts";

export interface RestoreVolumesOptions extends ClusterOption {
  /** A file with the recovery key's private half: what came back is compared with its inventory. */
  identity?: string | undefined;
  json: boolean;
}

/** Brings back the volumes of a node that is gone, into a cluster that runs. Each step looks first; killed, it is run again. */
export async function runRestoreVolumes(options: RestoreVolumesOptions, io: Io): Promise<ExitCode> {
  const cluster = openCluster(options);
  const { root, model } = cluster;
  const emit = options.json ? jsonEmit(io) : terminalEmit(io);
  const progress = (message: string) => emit({ event: "log", level: "info", message });
  const keys = options.identity === undefined ? [] : await recoveryKeys(options.identity);
  const done = await withLock(root, "restore", async () => {
    const bucket = await openBackups(cluster);
    const context = await stageContext(cluster, progress);
    writeTree(root, renderCluster(cluster));
    const begun = readBegun(root, BEGUN_VOLUMES)?.volumes;
    const note = (volumes: BegunVolumes) => noteBegun(root, { snapshot: "", volumes }, BEGUN_VOLUMES);
    const wanted = { context, bucket, keys, begun, note, master: masterOf(model) };
    const result = await runStages(volumesSteps, wanted, emit, Date.now);
    if (result.ok) forgetBegun(root, BEGUN_VOLUMES);
    return result;
  });
  return done.ok ? EXIT.ok : EXIT.failed;
}
