import { buildRouteMap, numberParser } from "@stricli/core";
import { CLOUDS } from "../config/model.ts";
import { buildCommand, cluster, type Context, flag, json, text } from "./flags.ts";
import type { NodeFields } from "./node-add.ts";
import { proposals, proposeNodes } from "./proposals.ts";

const nodeName = {
  kind: "tuple",
  parameters: [{ brief: "The node's name", parse: String, placeholder: "NAME" }],
} as const;

const knownNode = {
  kind: "tuple",
  parameters: [
    { brief: "The node's name", parse: String, placeholder: "NAME", proposeCompletions: proposeNodes },
  ],
} as const;

const nodeAdd = buildCommand({
  docs: { brief: "Declare a node in cluster.yaml and join its host; no other host is touched" },
  parameters: {
    positional: nodeName,
    flags: {
      cluster,
      json,
      role: text("worker (default)", "ROLE"),
      provider: {
        kind: "parsed",
        parse: String,
        brief: "Where its server stands; the next node of a pool has all of this from there",
        placeholder: "PROVIDER",
        optional: true,
        proposeCompletions: proposals(...CLOUDS, "existing"),
      },
      region: text("The provider's name of the region", "REGION"),
      size: text("The provider's name of the server type", "SIZE"),
      address: text("The address of an existing host; none where nothing reaches it from outside", "ADDRESS"),
      arch: text("amd64 (default) or arm64", "ARCH"),
    },
  },
  async func(this: Context, flags: NodeFields & { cluster?: string; json: boolean }, name: string) {
    const { runNodeAdd } = await import("./node-add.ts");
    this.finish(await runNodeAdd({ ...flags, name }, this.io));
  },
});

const nodeRemove = buildCommand({
  docs: {
    brief: "Drain a worker, reset its host, and take it out of the cluster, the tailnet and cluster.yaml",
  },
  parameters: {
    positional: knownNode,
    flags: {
      cluster,
      json,
      yes: flag("Don't ask"),
      force: flag(
        "Also delete pods that nothing recreates, against PodDisruptionBudgets, and data on this node alone",
      ),
      unreachable: flag("Go on when the host does not answer; says what is left on it"),
      timeout: {
        kind: "parsed",
        parse: numberParser,
        brief: "Seconds the pods have to move away",
        placeholder: "SECONDS",
        default: "300",
      },
    },
  },
  async func(
    this: Context,
    flags: {
      cluster?: string;
      json: boolean;
      yes: boolean;
      force: boolean;
      unreachable: boolean;
      timeout: number;
    },
    name: string,
  ) {
    const { runNodeRemove } = await import("./node-remove.ts");
    this.finish(await runNodeRemove({ ...flags, name }, this.io));
  },
});

const nodeJoinCommand = buildCommand({
  docs: { brief: "Print what joins a host that nothing reaches from outside; to be run there" },
  parameters: { positional: nodeName, flags: { cluster, json } },
  async func(this: Context, flags: { cluster?: string; json: boolean }, name: string) {
    const { runJoinCommand } = await import("./join-command.ts");
    this.finish(await runJoinCommand({ ...flags, name }, this.io));
  },
});

export const node = buildRouteMap({
  docs: { brief: "Add a node, join one from behind a NAT, or remove one" },
  routes: { add: nodeAdd, "join-command": nodeJoinCommand, remove: nodeRemove },
});
