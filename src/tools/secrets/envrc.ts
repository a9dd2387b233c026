import { chmodSync, existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { randomBytes } from "node:crypto";
import { UserError } from "../../output/errors.ts";
import { writeAtomically } from "../../repository/write.ts";

/** Where the operator's secrets are: gitignored, 0600, loaded by direnv or read here. */
export const ENVRC_LOCAL = ".envrc.local";

export const SECRET_NAMES = [
  "ANSIBLE_VAULT_PASSWORD",
  "TAILSCALE_OAUTH_CLIENT_ID",
  "TAILSCALE_OAUTH_CLIENT_SECRET",
  "TAILSCALE_AUTHKEY",
  "INFRA_K3S_SSH_KEY",
  "INFRA_K3S_REPORT_URL",
  "TF_VAR_hcloud_token",
  "TF_VAR_vultr_api_key",
  "TF_VAR_aws_access_key_id",
  "TF_VAR_aws_secret_access_key",
  "TF_VAR_cloudflare_api_token",
  "TF_VAR_state_passphrase",
  "TF_VAR_state_access_key_id",
  "TF_VAR_state_secret_access_key",
] as const;

export type SecretName = (typeof SECRET_NAMES)[number];
export type Secrets = Readonly<Partial<Record<SecretName, string>>>;

const LINE = /^export ([A-Z][A-Za-z0-9_]*)=(?:'([^']*)'|"([^"$`\\]*)"|([^\s'"$`\\]*))\s*(?:#.*)?$/;

/** The secrets this tool uses: from `.envrc.local`, where the environment (direnv) does not say otherwise. */
export function readSecrets(
  root: string,
  environment: Readonly<Record<string, string | undefined>>,
): Secrets {
  const file = parseEnvrc(root);
  const found: Partial<Record<SecretName, string>> = {};
  for (const name of SECRET_NAMES) {
    const value = environment[name] ?? file[name];
    if (value !== undefined && value !== "") found[name] = value;
  }
  return found;
}

/** The chosen secrets as a child's environment: each child gets only its own. */
export function only(secrets: Secrets, names: readonly SecretName[]): Record<string, string> {
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = secrets[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
}

/** Generates the vault password once. */
export function ensureVaultPassword(root: string): void {
  if (parseEnvrc(root)["ANSIBLE_VAULT_PASSWORD"] !== undefined) return;
  saveSecrets(root, { ANSIBLE_VAULT_PASSWORD: randomBytes(32).toString("base64url") });
}

/** Writes these into the file, in the place of lines of the same names; every other line stays. */
export function saveSecrets(root: string, secrets: Secrets): void {
  const lines = Object.entries(secrets).map(([name, value]) => `export ${name}='${value}'\n`);
  rewrite(root, Object.keys(secrets), lines.join(""));
}

/** Takes these out of the file. */
export function forgetSecrets(root: string, names: readonly SecretName[]): void {
  rewrite(root, names, "");
}

function rewrite(root: string, names: readonly string[], added: string): void {
  const path = join(root, ENVRC_LOCAL);
  const before = existsSync(path) ? readFileSync(path, "utf8") : TEMPLATE;
  const kept = before
    .split("\n")
    .filter((line) => !names.some((name) => line.startsWith(`export ${name}=`)))
    .join("\n");
  writeAtomically(path, kept + (kept === "" || kept.endsWith("\n") ? "" : "\n") + added, 0o600);
}

const TEMPLATE = `# Secrets of this cluster's operator. Never in git; 0600.
# https://tailscale.com/kb/1215/oauth-clients: scopes auth_keys and devices:core, owning the cluster's tag.
#export TAILSCALE_OAUTH_CLIENT_ID=''
#export TAILSCALE_OAUTH_CLIENT_SECRET=''
# The private key that opens the servers; default: ssh's own choice.
#export INFRA_K3S_SSH_KEY=''
`;

function parseEnvrc(root: string): Record<string, string> {
  const path = join(root, ENVRC_LOCAL);
  if (!existsSync(path)) return {};
  if ((statSync(path).mode & 0o077) !== 0) chmodSync(path, 0o600);
  const values: Record<string, string> = {};
  for (const [index, line] of readFileSync(path, "utf8").split("\n").entries()) {
    if (line.trim() === "" || line.startsWith("#")) continue;
    const match = LINE.exec(line);
    if (match === null) {
      throw new UserError({
        what: `${ENVRC_LOCAL}:${index + 1}:1: this line can't be read`,
        why: "only lines of the form export NAME='value' are read here, nothing is executed",
        fix: `write it as export NAME='value', or move it to your own file that direnv loads`,
      });
    }
    values[match[1] ?? ""] = match[2] ?? match[3] ?? match[4] ?? "";
  }
  return values;
}
