import { EXIT, type ExitCode } from "../output/errors.ts";
import type { DoneEvent, HostSummary } from "../output/events.ts";
import type { Io } from "../output/io.ts";
import { jsonEmit, terminalEmit } from "../output/terminal.ts";
import { writeTree } from "../repository/write.ts";
import { runPlaybook } from "../tools/ansible/playbook.ts";
import { withLock } from "../tools/lock/lock.ts";
import { removeDevices } from "../tools/tailscale/tailscale.ts";
import { type ClusterOption, openCluster, renderCluster, stageContext } from "./cluster.ts";
import { confirm } from "./confirm.ts";

export interface DestroyOptions extends ClusterOption {
  json: boolean;
  /** Don't ask. */
  yes: boolean;
}

/** Takes K3s and Tailscale off every host and the devices out of the tailnet; the servers themselves stay. */
export async function runDestroy(options: DestroyOptions, io: Io): Promise<ExitCode> {
  const cluster = openCluster(options);
  const { model, secrets } = cluster;
  if (!options.yes) {
    const hosts = model.nodes.map(({ name }) => name).join(", ");
    await confirm(`This removes K3s with all its data from ${hosts}.`, "cluster's name", model.name, io);
  }
  const emit = options.json ? jsonEmit(io) : terminalEmit(io);
  return withLock(cluster.root, "destroy", async () => {
    const start = Date.now();
    writeTree(cluster.root, renderCluster(cluster));
    const context = await stageContext(cluster, (message) => emit({ event: "log", level: "info", message }));
    emit({ event: "stage", stage: "reset", state: "start", seconds: 0 });
    const { hosts } = await runPlaybook(
      { ...context, name: "reset", stage: "reset", extraVars: { confirm: model.name } },
      emit,
    );
    const reset = Object.values(hosts).every(({ failed }) => failed === 0);
    const resetSeconds = since(start);
    emit({ event: "stage", stage: "reset", state: reset ? "done" : "failed", seconds: resetSeconds });
    const devices = await removeDevices(
      secrets,
      model.mesh,
      model.nodes.map(({ meshName }) => meshName),
    );
    if (devices > 0)
      emit({ event: "log", level: "info", message: `${devices} devices removed from the tailnet` });
    const done: DoneEvent = {
      event: "done",
      ok: reset,
      changed: Object.values(hosts).reduce((sum, { changed }) => sum + changed, devices),
      seconds: since(start),
      stages: [
        { name: "reset", changed: count(hosts), seconds: resetSeconds, hosts },
        { name: "devices", changed: devices, seconds: since(start) - resetSeconds, hosts: {} },
      ],
    };
    emit(done);
    return reset ? EXIT.ok : EXIT.failed;
  });
}

function count(hosts: Record<string, HostSummary>): number {
  return Object.values(hosts).reduce((sum, { changed }) => sum + changed, 0);
}

function since(start: number): number {
  return Math.round((Date.now() - start) / 100) / 10;
}
