import { buildRouteMap, numberParser } from "@stricli/core";
import { app } from "./app.ts";
import { backup } from "./backup.ts";
import { drill } from "./drill.ts";
import { buildCommand, cluster, type Context, flag, json, text } from "./flags.ts";
import { destroy, init, plan, up } from "./lifecycle.ts";
import { node } from "./node.ts";
import { proposals, type Proposal, proposeNodes } from "./proposals.ts";
import { recoveryKit } from "./recovery-kit.ts";
import { restore } from "./restore.ts";
import { secrets } from "./secrets.ts";

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

const paths = (brief: string) =>
  ({ kind: "parsed", parse: String, variadic: true, optional: true, brief, placeholder: "PATH" }) as const;

const render = buildCommand({
  docs: { brief: "Write the rendered files of the cluster repository" },
  parameters: {
    flags: {
      cluster,
      json,
      diff: flag("Show what would change"),
      check: flag("Exit 1 when anything would change"),
      keep: paths("A rendered file or folder that is yours from now on; repeat for each"),
      take: paths("One whose rendering replaces what you made of it; repeat for each"),
    },
  },
  async func(
    this: Context,
    flags: {
      cluster?: string;
      json: boolean;
      diff: boolean;
      check: boolean;
      keep?: readonly string[];
      take?: readonly string[];
    },
  ) {
    const { runRender } = await import("./render.ts");
    this.finish(await runRender({ ...flags, keep: flags.keep ?? [], take: flags.take ?? [] }, this.io));
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

const argocd = buildCommand({
  docs: { brief: "Open ArgoCD's interface here, with a password that holds until this ends" },
  parameters: {
    flags: {
      cluster,
      port: {
        kind: "parsed",
        parse: numberParser,
        brief: "The local port; default: a free one",
        placeholder: "PORT",
        optional: true,
      },
      yes: flag("Print the password to something that is no terminal"),
    },
  },
  async func(this: Context, flags: { cluster?: string; port?: number; yes: boolean }) {
    const { runArgocd } = await import("./argocd.ts");
    this.finish(await runArgocd(flags, this.io));
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

const completion = buildCommand({
  docs: {
    brief: "Print what completes commands, flags and names in your shell: bash, zsh or fish",
    fullDescription:
      'bash: eval "$(infra-k3s completion bash)" in ~/.bashrc. zsh: eval "$(infra-k3s completion zsh)" in ~/.zshrc, after compinit. fish: infra-k3s completion fish >~/.config/fish/completions/infra-k3s.fish',
  },
  parameters: {
    positional: {
      kind: "tuple",
      parameters: [
        {
          brief: "bash, zsh or fish",
          parse: String,
          placeholder: "SHELL",
          proposeCompletions: proposals("bash", "zsh", "fish"),
        },
      ],
    },
  },
  // oxlint-disable-next-line typescript/no-generated-empty-object-type -- stricli's type of "no flags"
  async func(this: Context, _flags: Record<never, never>, shell: string) {
    const { runCompletion } = await import("./completion.ts");
    this.finish(runCompletion(shell, this.io));
  },
});

/** Stands in the help only: their arguments belong to another program, so cli.ts hands them over unread. */
const passthrough = (brief: string, proposeCompletions: Proposal = proposals()) =>
  // oxlint-disable-next-line typescript/no-generated-empty-object-type -- stricli's type of "no flags"
  buildCommand<Record<never, never>, string[], Context>({
    docs: { brief },
    parameters: {
      positional: {
        kind: "array",
        parameter: { brief: "handed over", parse: String, placeholder: "ARG", proposeCompletions },
      },
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
    ssh: passthrough("Open a shell, or run a command, on a node: ssh NODE [COMMAND…]", proposeNodes),
    node,
    app,
    argocd,
    secrets,
    backup,
    restore,
    drill,
    "recovery-kit": recoveryKit,
    destroy,
    orphans,
    sandbox: passthrough(
      "The local internet: sandbox up|down|status|exec|logs",
      proposals("up", "build", "down", "status", "exec", "link", "logs"),
    ),
    completion,
  },
});
