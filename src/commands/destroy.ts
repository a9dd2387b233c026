import { createInterface } from "node:readline/promises";
import { EXIT, type ExitCode, UserError } from "../output/errors.ts";
import type { DoneEvent, HostSummary } from "../output/events.ts";
import type { Io } from "../output/io.ts";
import { jsonEmit, terminalEmit } from "../output/terminal.ts";
import { writeTree } from "../repository/write.ts";
import { runPlaybook } from "../tools/ansible/playbook.ts";
import { withLock } from "../tools/lock/lock.ts";
import { deleteDevices, listDevices } from "../tools/tailscale/tailscale.ts";
import { type Cluster, type ClusterOption, openCluster, renderCluster, stageContext } from "./cluster.ts";

export interface DestroyOptions extends ClusterOption {
  json: boolean;
  /** Don't ask. */
  yes: boolean;
}

/** Takes K3s and Tailscale off every host and the devices out of the tailnet; the servers themselves stay. */
export async function runDestroy(options: DestroyOptions, io: Io): Promise<ExitCode> {
  const cluster = openCluster(options);
  if (!options.yes) await confirm(cluster, io);
  const emit = options.json ? jsonEmit(io) : terminalEmit(io);
  return withLock(cluster.root, "destroy", async () => {
    const start = Date.now();
    writeTree(cluster.root, renderCluster(cluster));
    const context = await stageContext(cluster, (message) => emit({ event: "log", level: "info", message }));
    emit({ event: "stage", stage: "reset", state: "start", seconds: 0 });
    const { hosts } = await runPlaybook(
      { ...context, name: "reset", stage: "reset", extraVars: { confirm: cluster.model.name } },
      emit,
    );
    const reset = Object.values(hosts).every(({ failed }) => failed === 0);
    const resetSeconds = since(start);
    emit({ event: "stage", stage: "reset", state: reset ? "done" : "failed", seconds: resetSeconds });
    const devices = await removeDevices(cluster);
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

/** Only what carries both a name and the tag of this cluster is ours. */
async function removeDevices({ model, secrets }: Cluster): Promise<number> {
  const names = new Set(model.nodes.map((node) => node.meshName));
  const ours = (await listDevices(secrets, model.mesh.tailnet)).filter(
    (device) => names.has(device.hostname) && device.tags.includes(model.mesh.tag),
  );
  await deleteDevices(secrets, ours);
  return ours.length;
}

async function confirm({ model }: Cluster, io: Io): Promise<void> {
  const loss = `This removes K3s with all its data from ${model.nodes.map((node) => node.name).join(", ")}.`;
  if (!process.stdin.isTTY) {
    throw new UserError(
      { what: loss, why: "there is no terminal to ask on", fix: "add --yes to do it" },
      EXIT.usage,
    );
  }
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await terminal.question(`${loss}\nType the cluster's name to go on: `);
  terminal.close();
  if (answer.trim() !== model.name) throw new UserError({ what: "not destroyed: the name did not match" });
  io.err("\n");
}

function count(hosts: Record<string, HostSummary>): number {
  return Object.values(hosts).reduce((sum, { changed }) => sum + changed, 0);
}

function since(start: number): number {
  return Math.round((Date.now() - start) / 100) / 10;
}
