import { buildRouteMap, numberParser } from "@stricli/core";
import { buildCommand, cluster, type Context, json, text } from "./flags.ts";

const create = buildCommand({
  docs: {
    brief: "Save etcd and the volumes now, with an inventory of what must come back",
    fullDescription:
      "Has K3s take a snapshot and Velero save the volumes, side by side, and ends when the snapshot was seen in the bucket with the size it has on the master and Velero's backup has come to its end. Every object and every file is looked at before and after: what both looks saw alike is the inventory, encrypted to the recovery key, that `restore` compares with. The snapshot stays until somebody deletes it; Velero's backup as long as `backups.volumes.ttl` says.",
  },
  parameters: {
    flags: {
      cluster,
      json,
      name: {
        kind: "parsed",
        parse: String,
        brief: "What its name begins with; the time follows",
        placeholder: "NAME",
        default: "on-demand",
      },
    },
  },
  async func(this: Context, flags: { cluster?: string; json: boolean; name: string }) {
    const { runBackupCreate } = await import("./backup-create.ts");
    this.finish(await runBackupCreate(flags, this.io));
  },
});

const list = buildCommand({
  docs: {
    brief: "List the backups of etcd and of the volumes in R2, the newest first; works without a master",
    fullDescription:
      "Reads the bucket itself: name, time, size, node, K3s's release and the id of the server token that each snapshot opens with. It works when every server is gone.",
  },
  parameters: {
    flags: {
      cluster,
      json,
      limit: {
        kind: "parsed",
        parse: numberParser,
        brief: "So many of the newest; 0: all",
        placeholder: "N",
        default: "30",
      },
    },
  },
  async func(this: Context, flags: { cluster?: string; json: boolean; limit: number }) {
    const { runBackupList } = await import("./backup-list.ts");
    this.finish(await runBackupList(flags, this.io));
  },
});

const show = buildCommand({
  docs: { brief: "Show one backup in R2: of etcd, or of the volumes" },
  parameters: {
    positional: {
      kind: "tuple",
      parameters: [
        { brief: "The snapshot, or the backup of the volumes", parse: String, placeholder: "NAME" },
      ],
    },
    flags: { cluster, json },
  },
  async func(this: Context, flags: { cluster?: string; json: boolean }, name: string) {
    const { runBackupShow } = await import("./backup-list.ts");
    this.finish(await runBackupShow({ ...flags, name }, this.io));
  },
});

const verify = buildCommand({
  docs: {
    brief: "Read a backup in R2 to its last byte, and look for what it opens with",
    fullDescription:
      "Reads the newest snapshot, or the named one: whether it is whole, has the hash that etcd wrote and holds a database. Where it is no good, those before it are read until one is. Then it looks for the server token that the snapshot needs, in the vault, in the vault's older versions in git, and in a recovery kit. Of a backup of the volumes: every object is read, each volume has its snapshot, its repository is there and opens with the password, and the inventory opens with the recovery key. Exits 1 when it could not be restored.",
  },
  parameters: {
    positional: {
      kind: "tuple",
      parameters: [
        {
          brief: "The backup; default: the newest snapshot of etcd",
          parse: String,
          placeholder: "NAME",
          optional: true,
        },
      ],
    },
    flags: {
      cluster,
      json,
      kit: text("A recovery kit to look for the token in, too", "FILE"),
      identity: text("The file with the recovery key's private half; default: stdin, or a prompt", "FILE"),
    },
  },
  async func(
    this: Context,
    flags: { cluster?: string; json: boolean; kit?: string; identity?: string },
    name?: string,
  ) {
    const { runBackupVerify } = await import("./backup-verify.ts");
    this.finish(await runBackupVerify({ ...flags, name }, this.io));
  },
});

export const backup = buildRouteMap({
  docs: { brief: "Save the cluster's state and its volumes to R2, and look at what is there" },
  routes: { create, list, show, verify },
});
