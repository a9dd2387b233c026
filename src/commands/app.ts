import { buildRouteMap, numberParser } from "@stricli/core";
import type { AppFields } from "./app-add.ts";
import { buildCommand, cluster, type Context, flag, json, text } from "./flags.ts";

const appAdd = buildCommand({
  docs: { brief: "Write an app's manifests into kubernetes/apps/NAME; once they are pushed it is served" },
  parameters: {
    positional: {
      kind: "tuple",
      parameters: [{ brief: "The app's name", parse: String, placeholder: "NAME" }],
    },
    flags: {
      cluster,
      json,
      image: {
        kind: "parsed",
        parse: String,
        brief: "The image; its tag is pinned to what it means now",
        placeholder: "REF",
      },
      port: {
        kind: "parsed",
        parse: numberParser,
        brief: "The port it listens on, above 1023",
        placeholder: "PORT",
      },
      host: {
        kind: "parsed",
        parse: String,
        brief: "Its name: the domain, or one label in front of it",
        placeholder: "HOST",
      },
      namespace: text("Its namespace; default: its name", "NAMESPACE"),
      replicas: {
        kind: "parsed",
        parse: numberParser,
        brief: "How many pods",
        placeholder: "COUNT",
        default: "1",
      },
      health: text("A path that answers 200 when it is well; default: the port is tried", "PATH"),
      user: {
        kind: "parsed",
        parse: numberParser,
        brief: "The user's number it runs as, where the image names none or root",
        placeholder: "UID",
        optional: true,
      },
      volume: text("A volume of that size, kept when the app goes, e.g. 5Gi:/data", "SIZE:PATH"),
      pullSecret: text("A docker config.json with the registry's credentials; sealed into git", "FILE"),
      commit: flag("Commit it"),
      push: flag("Commit and push it"),
    },
  },
  async func(
    this: Context,
    flags: AppFields & { cluster?: string; json: boolean; commit: boolean; push: boolean },
    name: string,
  ) {
    const { runAppAdd } = await import("./app-add.ts");
    this.finish(await runAppAdd({ ...flags, name }, this.io));
  },
});

export const app = buildRouteMap({
  docs: { brief: "Add an app to what the cluster serves" },
  routes: { add: appAdd },
});
