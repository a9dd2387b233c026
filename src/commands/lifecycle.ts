import { buildCommand, cluster, type Context, flag, json, push, text } from "./flags.ts";
import { proposeExamples, proposeNodes, proposeStages } from "./proposals.ts";

const stage = (brief: string) => ({ ...text(brief, "STAGE"), proposeCompletions: proposeStages }) as const;

/** The verbs that make a cluster, change it and take it away. */

export const init = buildCommand({
  docs: {
    brief: "Make a folder a cluster repository, or complete the one it is; asks what no flag says",
  },
  parameters: {
    positional: {
      kind: "tuple",
      parameters: [{ brief: "The folder", parse: String, placeholder: "DIR", default: "." }],
    },
    flags: {
      example: {
        kind: "parsed",
        parse: String,
        brief: "The example to start from; default: three-clouds",
        optional: true,
        placeholder: "NAME",
        proposeCompletions: proposeExamples,
      },
      name: text("The cluster's name", "NAME"),
      domain: text("The domain it serves", "DOMAIN"),
      accountId: text("The id of the Cloudflare account", "ID"),
      k3sVersion: text("The K3s release", "VERSION"),
      node: {
        kind: "parsed",
        parse: String,
        variadic: true,
        optional: true,
        brief: "NAME:ROLE:PROVIDER:REGION:SIZE or NAME:ROLE:existing[:ADDRESS]; repeat for each node",
        placeholder: "NODE",
      },
      repository: text("The git repository the cluster follows, by SSH; its host's keys are pinned", "URL"),
      branch: text("The branch it follows; default: main", "BRANCH"),
      email: text("Where Let's Encrypt writes to; needed with --repository", "EMAIL"),
      issuer: text("staging or production (default) certificates", "ISSUER"),
      recovery: text(
        "The public half of a recovery key you have; default: a new one is shown once",
        "AGE-KEY",
      ),
      yes: flag("Ask nothing: take the defaults, and print a new recovery key on stdout"),
    },
  },
  async func(
    this: Context,
    flags: {
      example?: string;
      name?: string;
      domain?: string;
      accountId?: string;
      k3sVersion?: string;
      node?: readonly string[];
      repository?: string;
      branch?: string;
      email?: string;
      issuer?: string;
      recovery?: string;
      yes: boolean;
    },
    directory: string,
  ) {
    const { runInit } = await import("./init.ts");
    this.finish(await runInit({ ...flags, node: flags.node ?? [], directory }, this.io));
  },
});

export const up = buildCommand({
  docs: { brief: "Make the cluster what cluster.yaml says" },
  parameters: {
    flags: {
      cluster,
      json,
      until: stage("Stop after this stage"),
      only: stage("Run this stage alone"),
      limit: {
        kind: "parsed",
        parse: String,
        variadic: ",",
        optional: true,
        brief: "These nodes alone; the others are neither looked at nor changed",
        placeholder: "NODE,…",
        proposeCompletions: proposeNodes,
      },
      allowDestroy: {
        kind: "parsed",
        parse: String,
        variadic: true,
        optional: true,
        brief: "A protected resource, by its address in the plan, that may be destroyed; repeat for each",
        placeholder: "ADDRESS",
      },
      push,
    },
  },
  async func(
    this: Context,
    flags: {
      cluster?: string;
      json: boolean;
      until?: string;
      only?: string;
      limit?: readonly string[];
      allowDestroy?: readonly string[];
      push: boolean;
    },
  ) {
    const { runUp } = await import("./up.ts");
    this.finish(await runUp(flags, this.io));
  },
});

export const plan = buildCommand({
  docs: {
    brief: "What `up` would change, and what the servers cost a month; exits 2 where there are changes",
  },
  parameters: {
    flags: {
      cluster,
      json,
      until: stage("Look no further than this stage"),
      only: stage("Look at this stage alone"),
    },
  },
  async func(this: Context, flags: { cluster?: string; json: boolean; until?: string; only?: string }) {
    const { runPlan } = await import("./plan.ts");
    this.finish(await runPlan(flags, this.io));
  },
});

export const destroy = buildCommand({
  docs: {
    brief:
      "Destroy the servers, records and devices of the cluster; take K3s off hosts of your own; backups stay",
  },
  parameters: {
    flags: {
      cluster,
      json,
      yes: flag("Don't ask"),
      deleteBackups: text("Also delete this bucket with all backups in it; names it exactly", "BUCKET"),
    },
  },
  async func(
    this: Context,
    flags: { cluster?: string; json: boolean; yes: boolean; deleteBackups?: string },
  ) {
    const { runDestroy } = await import("./destroy.ts");
    this.finish(await runDestroy(flags, this.io));
  },
});
