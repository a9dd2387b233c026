import type { Snapshot } from "../backup/snapshot.ts";
import type { ClusterNode } from "../config/model.ts";
import type { HostSummary } from "../output/events.ts";
import type { Step } from "../run/stage.ts";
import { base } from "../stages/base/stage.ts";
import { type ClusterContext, masterTarget } from "../stages/context.ts";
import { dns } from "../stages/dns/stage.ts";
import { gitops } from "../stages/gitops/stage.ts";
import { etcdEnvironment } from "../stages/k3s/stage.ts";
import { mesh } from "../stages/mesh/stage.ts";
import { servers } from "../stages/servers/stage.ts";
import { verify } from "../stages/verify/stage.ts";
import { runPlaybook } from "../tools/ansible/playbook.ts";
import type { Bucket } from "../tools/s3/s3.ts";
import type { AgeKey } from "../tools/sops/age.ts";
import { removeDevices } from "../tools/tailscale/tailscale.ts";
import { holdArgocd, resumeArgocd } from "../tools/velero/argocd.ts";
import { takeSnapshot } from "./backup-create.ts";
import { type Begun, type BegunVolumes, forgetBegun, noteBegun } from "./restore-begun.ts";
import { forgetMark, outsideMesh, stopAgents } from "./restore-cluster-hosts.ts";
import { restartWatchers } from "./restore-watchers.ts";
import { bringVolumesBack, type VolumesReturn } from "./restore-cluster-volumes.ts";

export interface Restoration {
  context: ClusterContext;
  bucket: Bucket;
  /** What is restored: whole, and its token in the vault. */
  snapshot: Snapshot;
  master: ClusterNode;
  /** As it is noted on the disk. */
  begun: Begun;
  /** The recovery key, for the comparison with the inventory; empty: nothing is compared. */
  keys: readonly AgeKey[];
}

/** A stage of `up` as it is. */
const stage = (one: Step<ClusterContext>): Step<Pick<Restoration, "context">> => ({
  name: one.name,
  apply: ({ context }, emit) => one.apply(context, emit),
});

const one = (name: string, changed: number): Record<string, HostSummary> => ({
  [name]: { ok: 1, changed, failed: 0 },
});

type Held = Pick<Restoration, "context" | "master">;

const hold: Step<Held> = {
  name: "hold",
  apply: async ({ context, master }) => one(master.name, (await holdArgocd(masterTarget(context))) ? 1 : 0),
};

const resume: Step<Held> = {
  name: "resume",
  apply: async ({ context, master }) => one(master.name, (await resumeArgocd(masterTarget(context))) ? 1 : 0),
};

/** Of a cluster that runs, with a node that is gone: what lay on its disk. */
export const volumesSteps: readonly Step<VolumesReturn & Held>[] = [
  hold,
  { name: "volumes", apply: bringVolumesBack },
  resume,
  stage(gitops),
];

/** In this order; each looks first. */
export const restorationSteps: readonly Step<Restoration>[] = [
  stage(servers),
  stage(dns),
  stage(base),
  {
    // A host that is not in the mesh yet would be given another name than the one its device left behind has.
    name: "device",
    async apply({ context, master }) {
      const { secrets, model } = context;
      if (secrets.TAILSCALE_OAUTH_CLIENT_ID === undefined) return one(master.name, 0);
      const names = (await outsideMesh(context)).map(({ meshName }) => meshName);
      return one(master.name, names.length === 0 ? 0 : await removeDevices(secrets, model.mesh, names));
    },
  },
  stage(mesh),
  {
    // They know a server that is gone, and must not meet the new one before its database is what it was.
    name: "agents",
    async apply({ context }, emit) {
      const states = await stopAgents(context);
      for (const [host, state] of Object.entries(states)) {
        if (state !== "away") continue;
        emit({ event: "log", level: "warning", message: `${host} does not answer; its K3s may still be running` }); // prettier-ignore
      }
      return Object.fromEntries(
        Object.entries(states).map(([host, state]) => [host, { ok: 1, changed: state === "stopped" ? 1 : 0, failed: 0 }]), // prettier-ignore
      );
    },
  },
  {
    // The role resets the database before it starts K3s, holds Argo CD as soon as the API answers, forgets who is gone, and
    // leads the agents to the new address.
    name: "k3s",
    async apply({ context, snapshot }, emit) {
      const extraVars = { k3s_server_restore: snapshot.name };
      const environment = etcdEnvironment(context);
      const { hosts } = await runPlaybook({ ...context, name: "site", stage: "k3s", extraVars, environment }, emit); // prettier-ignore
      return hosts;
    },
  },
  stage(verify),
  {
    name: "watchers",
    apply: async ({ context, master }) => one(master.name, await restartWatchers(masterTarget(context))),
  },
  // With the nodes there its pods end: until then the role has said only that there are to be none.
  hold,
  {
    name: "volumes",
    apply(restoration, emit) {
      const note = (volumes: BegunVolumes) => {
        restoration.begun = { ...restoration.begun, volumes };
        noteBegun(restoration.context.root, restoration.begun);
      };
      return bringVolumesBack({ ...restoration, begun: restoration.begun.volumes, note }, emit);
    },
  },
  resume,
  stage(gitops),
  {
    // From now on the newest is of the cluster as it is.
    name: "snapshot",
    async apply({ context, bucket, master }, emit) {
      const progress = (message: string) => emit({ event: "log", level: "info", message });
      await takeSnapshot(masterTarget(context), bucket, "after-restore", progress);
      // In this order: a run that goes on without the mark would reset the database once more.
      forgetBegun(context.root);
      await forgetMark(context);
      return one(master.name, 1);
    },
  },
];
