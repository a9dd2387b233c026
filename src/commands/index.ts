import { buildCommand, buildRouteMap } from "@stricli/core";
import { cluster, type Context, flag, json, text } from "./flags.ts";
import { node } from "./node.ts";
import { secrets } from "./secrets.ts";

const init = buildCommand({
  docs: { brief: "Make a folder a cluster repository, or complete the one it is" },
  parameters: {
    positional: {
      kind: "tuple",
      parameters: [{ brief: "The folder", parse: String, placeholder: "DIR", default: "." }],
    },
    flags: {
      example: {
        kind: "parsed",
        parse: String,
        brief: "The example to start from",
        placeholder: "NAME",
        default: "three-clouds",
      },
      name: text("The cluster's name", "NAME"),
      domain: text("The domain it serves", "DOMAIN"),
      k3sVersion: text("The K3s release", "VERSION"),
      node: {
        kind: "parsed",
        parse: String,
        variadic: true,
        optional: true,
        brief: "NAME:ROLE:PROVIDER:REGION:SIZE or NAME:ROLE:existing[:ADDRESS]; repeat for each node",
        placeholder: "NODE",
      },
    },
  },
  async func(
    this: Context,
    flags: { example: string; name?: string; domain?: string; k3sVersion?: string; node?: readonly string[] },
    directory: string,
  ) {
    const { runInit } = await import("./init.ts");
    this.finish(await runInit({ ...flags, node: flags.node ?? [], directory }, this.io));
  },
});

const validate = buildCommand({
  docs: { brief: "Check cluster.yaml: every fault at once, with its place" },
  parameters: {
    positional: {
      kind: "tuple",
      parameters: [{ brief: "A file to check instead", parse: String, placeholder: "FILE", optional: true }],
    },
    flags: { cluster, json },
  },
  async func(this: Context, flags: { cluster?: string; json: boolean }, file?: string) {
    const { runValidate } = await import("./validate.ts");
    this.finish(runValidate({ ...flags, file }, this.io));
  },
});

const render = buildCommand({
  docs: { brief: "Write the rendered files of the cluster repository" },
  parameters: {
    flags: {
      cluster,
      json,
      diff: flag("Show what would change"),
      check: flag("Exit 1 when anything would change"),
    },
  },
  async func(this: Context, flags: { cluster?: string; json: boolean; diff: boolean; check: boolean }) {
    const { runRender } = await import("./render.ts");
    this.finish(runRender(flags, this.io));
  },
});

const up = buildCommand({
  docs: { brief: "Make the cluster what cluster.yaml says" },
  parameters: {
    flags: {
      cluster,
      json,
      until: text("Stop after this stage", "STAGE"),
      only: text("Run this stage alone", "STAGE"),
      limit: {
        kind: "parsed",
        parse: String,
        variadic: ",",
        optional: true,
        brief: "These nodes alone; the others are neither looked at nor changed",
        placeholder: "NODE,…",
      },
      allowDestroy: {
        kind: "parsed",
        parse: String,
        variadic: true,
        optional: true,
        brief: "A protected resource, by its address in the plan, that may be destroyed; repeat for each",
        placeholder: "ADDRESS",
      },
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
    },
  ) {
    const { runUp } = await import("./up.ts");
    this.finish(await runUp(flags, this.io));
  },
});

const status = buildCommand({
  docs: { brief: "Show the nodes, how they are reached, and how each stage stands" },
  parameters: { flags: { cluster, json, check: flag("Compare every setting; exit 1 when not as declared") } },
  async func(this: Context, flags: { cluster?: string; json: boolean; check: boolean }) {
    const { runStatus } = await import("./status.ts");
    this.finish(await runStatus(flags, this.io));
  },
});

const doctorHosts = buildCommand({
  docs: {
    brief: "Look for what is wrong with mesh, MTU, DNS, clocks, disks, keys and services, each with its fix",
  },
  parameters: { flags: { cluster, json } },
  async func(this: Context, flags: { cluster?: string; json: boolean }) {
    const { runDoctor } = await import("./doctor.ts");
    this.finish(await runDoctor(flags, this.io));
  },
});

const doctorCredentials = buildCommand({
  docs: { brief: "Ask each provider what the credentials in .envrc.local may, and say what they lack" },
  parameters: { flags: { cluster, json } },
  async func(this: Context, flags: { cluster?: string; json: boolean }) {
    const { runDoctorCredentials } = await import("./doctor-credentials.ts");
    this.finish(await runDoctorCredentials(flags, this.io));
  },
});

const doctor = buildRouteMap({
  docs: { brief: "Look for what is wrong with the hosts, or with the credentials, each with its fix" },
  routes: { hosts: doctorHosts, credentials: doctorCredentials },
  defaultCommand: "hosts",
});

const kubeconfig = buildCommand({
  docs: { brief: "Print a kubeconfig for machines in the tailnet" },
  parameters: { flags: { cluster, output: text("Write to this file (0600)", "FILE") } },
  async func(this: Context, flags: { cluster?: string; output?: string }) {
    const { runKubeconfig } = await import("./access.ts");
    this.finish(await runKubeconfig(flags, this.io));
  },
});

const destroy = buildCommand({
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

const plan = buildCommand({
  docs: {
    brief: "What `up` would change, and what the servers cost a month; exits 2 where there are changes",
  },
  parameters: {
    flags: {
      cluster,
      json,
      until: text("Look no further than this stage", "STAGE"),
      only: text("Look at this stage alone", "STAGE"),
    },
  },
  async func(this: Context, flags: { cluster?: string; json: boolean; until?: string; only?: string }) {
    const { runPlan } = await import("./plan.ts");
    this.finish(await runPlan(flags, this.io));
  },
});

const orphans = buildCommand({
  docs: { brief: "List all that carries the cluster's name at any provider, and what of it nobody declared" },
  parameters: { flags: { cluster, json } },
  async func(this: Context, flags: { cluster?: string; json: boolean }) {
    const { runOrphans } = await import("./orphans.ts");
    this.finish(await runOrphans(flags, this.io));
  },
});

/** Stands in the help only: their arguments belong to another program, so cli.ts hands them over unread. */
const passthrough = (brief: string) =>
  // oxlint-disable-next-line typescript/no-generated-empty-object-type -- stricli's type of "no flags"
  buildCommand<Record<never, never>, string[], Context>({
    docs: { brief },
    parameters: {
      positional: { kind: "array", parameter: { brief: "handed over", parse: String, placeholder: "ARG" } },
    },
    func() {},
  });

export const root = buildRouteMap({
  docs: { brief: "One file, one command, one serious Kubernetes cluster over several clouds" },
  routes: {
    init,
    validate,
    render,
    plan,
    up,
    status,
    doctor,
    kubeconfig,
    kubectl: passthrough("Run kubectl against the cluster, from anywhere: kubectl ARG…"),
    ssh: passthrough("Open a shell, or run a command, on a node: ssh NODE [COMMAND…]"),
    node,
    secrets,
    destroy,
    orphans,
    sandbox: passthrough("The local internet: sandbox up|down|status|exec|logs"),
  },
});
