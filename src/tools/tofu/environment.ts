import { existsSync } from "node:fs";
import type { StackName } from "../../config/model.ts";
import { only, type SecretName, type Secrets } from "../secrets/envrc.ts";

/** What each stack's own provider is opened with. */
export const CREDENTIALS: Record<StackName, readonly SecretName[]> = {
  hetzner: ["TF_VAR_hcloud_token"],
  vultr: ["TF_VAR_vultr_api_key"],
  aws: ["TF_VAR_aws_access_key_id", "TF_VAR_aws_secret_access_key"],
  cloudflare: ["TF_VAR_cloudflare_api_token"],
};

/** What a user may tell OpenTofu about where providers come from. */
export const PASSED_ON = ["TF_REATTACH_PROVIDERS", "TF_CLI_CONFIG_FILE", "TF_PLUGIN_CACHE_DIR"];

/**
 * The environment of one stack's tofu: the credentials of its own provider and of the state, no other's. The backend's
 * key comes from here and not from its block, since OpenTofu keeps the block's values as plain text in `.terraform/`
 * and in plans: https://opentofu.org/docs/language/settings/backends/configuration/#credentials-and-sensitive-data
 */
export function environmentOf(
  stack: StackName,
  secrets: Secrets,
  environment: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  const state = {
    AWS_ACCESS_KEY_ID: secrets.TF_VAR_state_access_key_id,
    AWS_SECRET_ACCESS_KEY: secrets.TF_VAR_state_secret_access_key,
  };
  // Where there is no such file OpenTofu says so on stdout, in front of the JSON that is asked for.
  const passed = PASSED_ON.map((name): [string, string | undefined] => [name, environment[name]]).filter(
    ([name, value]) => name !== "TF_CLI_CONFIG_FILE" || (value !== undefined && existsSync(value)),
  );
  return {
    TF_IN_AUTOMATION: "1",
    TF_INPUT: "0",
    ...only(secrets, [...CREDENTIALS[stack], "TF_VAR_state_passphrase"]),
    ...Object.fromEntries(
      [...Object.entries(state), ...passed].filter(
        (entry): entry is [string, string] => entry[1] !== undefined,
      ),
    ),
  };
}
