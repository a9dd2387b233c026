import { buildRouteMap } from "@stricli/core";
import { buildCommand, cluster, flag, json, text } from "./flags.ts";
import type { Context } from "./flags.ts";
import type { CheckOptions } from "./secrets-check.ts";
import type { SecretsInitOptions } from "./secrets-init.ts";
import type { RotateOptions } from "./secrets-rotate.ts";
import type { SecretsStatusOptions } from "./secrets-status.ts";

const many = (brief: string, placeholder: string) =>
  ({ kind: "parsed", parse: String, variadic: true, optional: true, brief, placeholder }) as const;

const file = { brief: "The encrypted file", parse: String, placeholder: "FILE" } as const;
const key = { brief: "The value's name in it", parse: String, placeholder: "KEY" } as const;

const init = buildCommand({
  docs: { brief: "Make the cluster's age key, the recovery key, .sops.yaml and the pre-commit hook" },
  parameters: {
    flags: {
      cluster,
      json,
      recovery: text("The public half of a recovery key you have; default: a new one, shown once", "age1…"),
      yes: flag("Put the new recovery key on stdout, without a terminal"),
    },
  },
  async func(this: Context, flags: SecretsInitOptions) {
    const { runSecretsInit } = await import("./secrets-init.ts");
    this.finish(await runSecretsInit(flags, this.io));
  },
});

const set = buildCommand({
  docs: {
    brief: "Set one value of an encrypted file, from stdin or a prompt; the file is made when missing",
  },
  parameters: {
    positional: { kind: "tuple", parameters: [file, key] },
    flags: {
      cluster,
      namespace: text("Of a new Secret", "NAMESPACE"),
      name: text("Of a new Secret; default: the file's name", "NAME"),
    },
  },
  async func(
    this: Context,
    flags: { cluster?: string; namespace?: string; name?: string },
    path: string,
    name: string,
  ) {
    const { runSecretsSet } = await import("./secrets-values.ts");
    this.finish(await runSecretsSet({ ...flags, file: path, key: name }, this.io));
  },
});

const edit = buildCommand({
  docs: { brief: "Open an encrypted file in $EDITOR; its plain text is in memory only" },
  parameters: { positional: { kind: "tuple", parameters: [file] }, flags: { cluster } },
  async func(this: Context, flags: { cluster?: string }, path: string) {
    const { runSecretsEdit } = await import("./secrets-values.ts");
    this.finish(await runSecretsEdit({ ...flags, file: path }, this.io));
  },
});

const show = buildCommand({
  docs: { brief: "Print the values of an encrypted file, or one, on a terminal" },
  parameters: {
    positional: { kind: "tuple", parameters: [file, { ...key, optional: true }] },
    flags: { cluster, json, yes: flag("Print to something that is no terminal, too") },
  },
  async func(
    this: Context,
    flags: { cluster?: string; json: boolean; yes: boolean },
    path: string,
    name?: string,
  ) {
    const { runSecretsShow } = await import("./secrets-values.ts");
    this.finish(await runSecretsShow({ ...flags, file: path, key: name }, this.io));
  },
});

const rotate = buildCommand({
  docs: { brief: "New data keys and other recipients; tells what a removed one has seen" },
  parameters: {
    flags: {
      cluster,
      json,
      add: many("Somebody more who can open everything: NAME=age1…", "RECIPIENT"),
      remove: many("Somebody who no longer can: a name in .sops.yaml, or a key", "RECIPIENT"),
      renew: many("Make a new key for: cluster, recovery", "NAME"),
      yes: flag("Put a new recovery key on stdout, without a terminal"),
    },
  },
  async func(
    this: Context,
    {
      add = [],
      remove = [],
      renew = [],
      ...flags
    }: Partial<Pick<RotateOptions, "add" | "remove" | "renew">> & {
      cluster?: string;
      json: boolean;
      yes: boolean;
    },
  ) {
    const { runSecretsRotate } = await import("./secrets-rotate.ts");
    this.finish(await runSecretsRotate({ ...flags, add, remove, renew }, this.io));
  },
});

const check = buildCommand({
  docs: { brief: "Look for plain secrets, and for encrypted files that the wrong people can open" },
  parameters: { flags: { cluster, json, staged: flag("Only what the next commit would bring") } },
  async func(this: Context, flags: CheckOptions) {
    const { runSecretsCheck } = await import("./secrets-check.ts");
    this.finish(await runSecretsCheck(flags, this.io));
  },
});

const status = buildCommand({
  docs: { brief: "Each secret: its store, scope, rotation and age; no value" },
  parameters: { flags: { cluster, json } },
  async func(this: Context, flags: SecretsStatusOptions) {
    const { runSecretsStatus } = await import("./secrets-status.ts");
    this.finish(await runSecretsStatus(flags, this.io));
  },
});

export const secrets = buildRouteMap({
  docs: { brief: "Keep the repository's encrypted secrets: SOPS with age" },
  routes: { init, set, edit, show, rotate, check, status },
});
