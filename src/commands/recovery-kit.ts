import { buildRouteMap } from "@stricli/core";
import { buildCommand, cluster, json, text } from "./flags.ts";
import type { Context } from "./flags.ts";

const exportKit = buildCommand({
  docs: {
    brief: "Write what a lost cluster is restored with to one file that only the recovery key opens",
    fullDescription:
      "Writes the cluster's tokens, keys and passwords, cluster.yaml and the lock to one file, encrypted with age to the recovery key that .sops.yaml names and to nobody else. Keep it apart from this machine, the cluster, git, R2 and the recovery key; make it anew when `recovery-kit verify` calls it stale.",
  },
  parameters: {
    flags: {
      cluster,
      json,
      output: text("Where to (0600); default: CLUSTER.recovery-kit.age beside cluster.yaml", "FILE"),
    },
  },
  async func(this: Context, flags: { cluster?: string; json: boolean; output?: string }) {
    const { runRecoveryKitExport } = await import("./recovery-kit-export.ts");
    this.finish(await runRecoveryKitExport(flags, this.io));
  },
});

const verify = buildCommand({
  docs: {
    brief: "Open a recovery kit, try what is in it on this repository, and tell what has changed since",
    fullDescription:
      "Opens the kit with the recovery key (from --identity, from stdin, or asked for), compares every entry with its hash, opens the repository's encrypted files and vault with what is in it, and names what has changed since. Exits 1 when the kit would not bring back what is here. Outside of a cluster repository it looks at the kit alone.",
  },
  parameters: {
    positional: {
      kind: "tuple",
      parameters: [{ brief: "The recovery kit", parse: String, placeholder: "FILE" }],
    },
    flags: {
      cluster,
      json,
      identity: text("The file with the recovery key's private half; default: stdin, or a prompt", "FILE"),
    },
  },
  async func(this: Context, flags: { cluster?: string; json: boolean; identity?: string }, file: string) {
    const { runRecoveryKitVerify } = await import("./recovery-kit-verify.ts");
    this.finish(await runRecoveryKitVerify({ ...flags, file }, this.io));
  },
});

export const recoveryKit = buildRouteMap({
  docs: { brief: "Keep what brings a lost cluster back in one encrypted file" },
  routes: { export: exportKit, verify },
});
