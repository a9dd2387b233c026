import { buildRouteMap } from "@stricli/core";
import { buildCommand, cluster, type Context, flag, json, push, text } from "./flags.ts";

const restoreCluster = buildCommand({
  docs: {
    brief:
      "Bring the cluster's state back from R2 after the loss of the master; killed anywhere, run it again",
    fullDescription:
      "Reads the newest snapshot of etcd in R2 that is whole, makes the master anew where it is gone, restores it from the snapshot with the server token of its day, and has the workers follow it. Volumes whose disk is gone are named, and brought back by Velero from the newest good backup while Argo CD is held. Nothing is changed before the snapshot was read to its last byte and its token was found.",
  },
  parameters: {
    flags: {
      cluster,
      json,
      from: text("The snapshot; default: the newest that is whole", "NAME"),
      kit: text("A recovery kit to look for the snapshot's token in, too", "FILE"),
      identity: text(
        "The recovery key's private half: compares restored volumes with their inventory",
        "FILE",
      ),
      yes: flag("Don't ask, also where the cluster is running and goes back in time"),
      push,
    },
  },
  async func(
    this: Context,
    flags: {
      cluster?: string;
      json: boolean;
      from?: string;
      kit?: string;
      identity?: string;
      yes: boolean;
      push: boolean;
    },
  ) {
    const { runRestoreCluster } = await import("./restore-cluster.ts");
    this.finish(await runRestoreCluster(flags, this.io));
  },
});

const restoreAll = buildCommand({
  docs: {
    brief:
      "Bring everything back after the loss of all but git, R2 and the recovery kit; killed, run it again",
    fullDescription:
      "Opens the recovery kit with the recovery key, clones the cluster's repository, refuses a kit that is another cluster's or opens nothing of it, puts age key, vault password and the key of OpenTofu's state back, and names every provider's credential that is missing. Then it makes the servers that are gone anew and restores the cluster as `restore cluster` does, with the volumes of all nodes.",
  },
  parameters: {
    positional: {
      kind: "tuple",
      parameters: [
        {
          brief: "Where the repository is to be; default: a folder of the cluster's name",
          parse: String,
          placeholder: "DIR",
          optional: true,
        },
      ],
    },
    flags: {
      json,
      kit: { kind: "parsed", parse: String, brief: "The recovery kit", placeholder: "FILE" },
      identity: text("The file with the recovery key's private half; default: stdin, or a prompt", "FILE"),
      repository: text("Where to clone from, a URL or a folder; default: what the kit says", "URL"),
      from: text("The snapshot; default: the newest that is whole", "NAME"),
      yes: flag("Don't ask, also where the cluster is running and goes back in time"),
      push,
    },
  },
  async func(
    this: Context,
    flags: {
      json: boolean;
      kit: string;
      identity?: string;
      repository?: string;
      from?: string;
      yes: boolean;
      push: boolean;
    },
    directory?: string,
  ) {
    const { runRestoreAll } = await import("./restore-all.ts");
    this.finish(await runRestoreAll({ ...flags, directory }, this.io));
  },
});

const restoreVolumes = buildCommand({
  docs: {
    brief: "Bring back the volumes that lay on a node that is gone; killed anywhere, run it again",
    fullDescription:
      "Looks on each node whether the folders of its volumes are there, names those that are lost with their claims, and has Velero bring them back from the newest good backup, also onto other nodes, while Argo CD is held. Volumes that are there are left as they are.",
  },
  parameters: {
    flags: {
      cluster,
      json,
      identity: text(
        "The recovery key's private half: compares restored volumes with their inventory",
        "FILE",
      ),
    },
  },
  async func(this: Context, flags: { cluster?: string; json: boolean; identity?: string }) {
    const { runRestoreVolumes } = await import("./restore-volumes.ts");
    this.finish(await runRestoreVolumes(flags, this.io));
  },
});

const namespaces = buildCommand({
  docs: {
    brief:
      "Bring namespaces of the running cluster back from a backup of the volumes; killed anywhere, run it again",
    fullDescription:
      "Looks first, with nothing changed: whether the backup is whole and opens with the cluster's password, and whether something is in the way. Then Argo CD is held, so that it makes nothing with empty volumes first; the namespaces are made anew with their Secrets, which no backup has; Velero brings back the rest; Argo CD goes on; and what came back is compared with the backup's inventory, object by object and byte by byte. Exits 1 on any difference.",
  },
  parameters: {
    flags: {
      cluster,
      json,
      from: {
        kind: "parsed",
        parse: String,
        brief: "The backup of the volumes: infra-k3s backup list",
        placeholder: "NAME",
      },
      namespace: {
        kind: "parsed",
        parse: String,
        variadic: true,
        optional: true,
        brief: "A namespace; may be given several times; default: all that the backup has",
        placeholder: "NAME",
      },
      replace: flag("Delete what is in these namespaces now, with its volumes"),
      identity: text("The file with the recovery key's private half, which opens the inventory", "FILE"),
      yes: flag("Don't ask before something is deleted"),
    },
  },
  async func(
    this: Context,
    flags: {
      cluster?: string;
      json: boolean;
      from: string;
      namespace?: string[];
      replace: boolean;
      identity?: string;
      yes: boolean;
    },
  ) {
    const { runRestoreNamespaces } = await import("./restore-namespaces.ts");
    this.finish(await runRestoreNamespaces(flags, this.io));
  },
});

const abandon = buildCommand({
  docs: { brief: "Let Argo CD go on, where a restore of namespaces has not come to its end" },
  parameters: { flags: { cluster, json } },
  async func(this: Context, flags: { cluster?: string; json: boolean }) {
    const { runRestoreAbandon } = await import("./restore-namespaces.ts");
    this.finish(await runRestoreAbandon(flags, this.io));
  },
});

export const restore = buildRouteMap({
  docs: { brief: "Bring back what was saved" },
  routes: { namespaces, cluster: restoreCluster, all: restoreAll, volumes: restoreVolumes, abandon },
  defaultCommand: "namespaces",
});
