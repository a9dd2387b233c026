import { buildCommand, buildRouteMap } from "@stricli/core";
import { cluster, type Context, flag, json, text } from "./flags.ts";

const required = (brief: string, placeholder: string) =>
  ({ kind: "parsed", parse: String, brief, placeholder }) as const;

const run = buildCommand({
  docs: {
    brief: "Restore the newest backup into a sandbox, compare all of it, and measure how long that took",
    fullDescription:
      "Copies a backup, the commit it was made at and every image out of R2, git and the registries with the drill's own key, which only reads. Then it makes a sandbox out of that copy, from which nothing reaches the real internet, loses everything but git, R2 and the recovery kit there, runs `restore all`, and compares every object and every byte of every volume with the inventory that was taken with the backup. Exits 1 when anything differs. Needs a machine that can hold a sandbox; killed anywhere, run it again.",
  },
  parameters: {
    flags: {
      cluster,
      json,
      of: { kind: "parsed", parse: String, brief: "The backup; default: the newest that has an inventory", placeholder: "NAME", default: "last" },
      report: text("Write an HTML page with the timeline to this file", "FILE"),
      kit: text("The recovery kit; default: CLUSTER.recovery-kit.age beside cluster.yaml", "FILE"),
      identity: text("The drill's key; default: .drill-key.local beside cluster.yaml", "FILE"),
    },
  },
  async func(this: Context, flags: { cluster?: string; json: boolean; of: string; report?: string; kit?: string; identity?: string }) {
    this.finish(await this.drill(flags));
  },
}); // prettier-ignore

const init = buildCommand({
  docs: {
    brief: "Make the drill's own key: it opens the kit and the inventories, and only reads the buckets",
  },
  parameters: {
    flags: { cluster, json, renew: flag("A new key in the place of the one there is") },
  },
  async func(this: Context, flags: { cluster?: string; json: boolean; renew: boolean }) {
    const { runDrillInit } = await import("./drill-init.ts");
    this.finish(await runDrillInit(flags, this.io));
  },
});

const importStep = buildCommand({
  docs: { brief: "The first part of a drill alone: copy all that is restored from into a folder" },
  parameters: {
    flags: {
      cluster,
      of: required("The backup, or `last`", "NAME"),
      kit: required("The recovery kit", "FILE"),
      identity: required("The drill's key", "FILE"),
      to: required("The folder", "DIR"),
    },
  },
  async func(this: Context, flags: { cluster?: string; of: string; kit: string; identity: string; to: string }) {
    const { runDrillImport } = await import("./drill-import.ts");
    this.finish(await runDrillImport(flags, this.io));
  },
}); // prettier-ignore

const compare = buildCommand({
  docs: { brief: "The last part of a drill alone: compare a cluster with an inventory" },
  parameters: {
    flags: {
      cluster,
      inventory: required("The inventory, as it lies in the bucket", "FILE"),
      identity: required("A key that opens it", "FILE"),
    },
  },
  async func(this: Context, flags: { cluster?: string; inventory: string; identity: string }) {
    const { runDrillCompare } = await import("./drill-compare.ts");
    this.finish(await runDrillCompare(flags, this.io));
  },
});

export const drill = buildRouteMap({
  docs: {
    brief: "Prove that the backups bring everything back, with the recovery point and time measured",
    hideRoute: { import: true, compare: true },
  },
  routes: { run, init, import: importStep, compare },
  defaultCommand: "run",
});
