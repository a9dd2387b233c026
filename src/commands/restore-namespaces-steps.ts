import { type Comparison, compareInventories, within } from "../backup-inventory/compare.ts";
import type { Inventory } from "../backup-inventory/inventory.ts";
import { takeInventory } from "../backup-inventory/take.ts";
import type { SavedNamespace } from "../backup/volume-backup.ts";
import { compared, differenceRows } from "../drill/result.ts";
import { UserError } from "../output/errors.ts";
import type { Emit, HostSummary } from "../output/events.ts";
import type { Step } from "../run/stage.ts";
import type { SshTarget } from "../tools/ssh/ssh.ts";
import { holdArgocd, resumeArgocd } from "../tools/velero/argocd.ts";
import { clearNamespaces, fillNamespaces, type Manifest, waitForPods } from "../tools/velero/namespaces.ts";
import { restoreByVelero } from "../tools/velero/velero.ts";
import type { Cluster } from "./cluster.ts";

export interface NamespacesRestoration {
  cluster: Cluster;
  master: SshTarget;
  hasArgocd: boolean;
  /** Under which the Secrets are kept aside. */
  id: string;
  backup: string;
  /** The name of Velero's Restore. */
  restore: string;
  /** It was begun by a run before this one: then nothing is deleted any more. */
  isBegun: boolean;
  namespaces: readonly SavedNamespace[];
  /** Of git, for the namespaces. */
  secrets: readonly Manifest[];
  /** Undefined: there is none that could be read. */
  inventory: Inventory | undefined;
  /** What came of it. */
  comparison?: Comparison | undefined;
}

const PODS_SECONDS = 300;

const one = (changed: number, failed = 0): Record<string, HostSummary> => ({
  cluster: { ok: 1 - failed, changed, failed },
});

const log = (emit: Emit) => (message: string) => emit({ event: "log", level: "info", message });

/** In this order; each looks first. */
export const namespacesSteps: readonly Step<NamespacesRestoration>[] = [
  {
    // While it works it makes what is missing, with empty volumes, and Velero leaves alone what is there.
    name: "hold",
    apply: async ({ master, hasArgocd }) => one(hasArgocd && (await holdArgocd(master)) ? 1 : 0),
  },
  {
    name: "namespaces",
    async apply({ master, id, namespaces, secrets, isBegun }, emit) {
      if (isBegun) return one(0);
      const about = { id, namespaces: namespaces.map(({ metadata }) => metadata.name) };
      const { deleted } = await clearNamespaces(master, about);
      const count = await fillNamespaces(master, about, namespaces, secrets);
      log(emit)(`${deleted} namespaces deleted, ${about.namespaces.length} made, with ${count} Secrets`);
      return one(deleted + about.namespaces.length);
    },
  },
  {
    name: "volumes",
    async apply({ master, restore, backup, namespaces }, emit) {
      const names = namespaces.map(({ metadata }) => metadata.name);
      const outcome = await restoreByVelero(master, { name: restore, backup, namespaces: names }, log(emit));
      for (const message of outcome.problems) emit({ event: "log", level: "warning", message });
      if (outcome.phase === "Completed") return one(1);
      throw new UserError({
        what: `Velero's Restore ${restore} is ${outcome.phase}: not everything is back, and Argo CD stays held`,
        why: outcome.problems.join("\n") || "it does not say why",
        fix: "mend what it names and run this again: it deletes what came back and begins anew; or infra-k3s restore abandon, which lets Argo CD go on",
      });
    },
  },
  {
    name: "pods",
    async apply({ master, id, namespaces }, emit) {
      const about = { id, namespaces: namespaces.map(({ metadata }) => metadata.name) };
      // Something may be missing that only Argo CD brings, so that nothing here is held up for ever.
      for (const { name, why } of await waitForPods(master, about, PODS_SECONDS))
        emit({ event: "log", level: "warning", message: `${name} is not ready yet: ${why}` });
      return one(0);
    },
  },
  {
    name: "resume",
    apply: async ({ master, hasArgocd }) => one(hasArgocd && (await resumeArgocd(master)) ? 1 : 0),
  },
  {
    name: "compare",
    async apply(restoration, emit) {
      const { cluster, backup, inventory } = restoration;
      if (inventory === undefined) return one(0);
      const names = restoration.namespaces.map(({ metadata }) => metadata.name);
      const { commit, key } = inventory.header;
      const found = await takeInventory(cluster, { backup, commit, key, namespaces: names });
      const comparison = compareInventories(within(inventory, names), within(found, names));
      restoration.comparison = comparison;
      const differing = differenceRows(comparison);
      emit({ event: "comparison", equal: comparison.equal, compared: compared(comparison), differing });
      return one(0, comparison.equal ? 0 : 1);
    },
  },
];
