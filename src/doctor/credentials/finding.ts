import type { SecretName } from "../../tools/secrets/envrc.ts";

/** What is known of a credential before it is used. */
export interface CredentialFinding {
  provider: "Hetzner" | "Vultr" | "AWS" | "Cloudflare" | "Tailscale";
  /** The variables in `.envrc.local`. */
  variables: SecretName[];
  /** unknown: the provider does not tell, or could not be asked. */
  state: "ok" | "failed" | "unknown";
  message: string;
  fix: string;
}

export type Verdict = Pick<CredentialFinding, "state" | "message"> & { fix?: string };

/** Where each is made, and what it must be allowed to: the same as docs/credentials.md says. */
export const MADE: Readonly<Record<CredentialFinding["provider"], string>> = {
  Hetzner: "https://console.hetzner.com: the project, Security, API tokens, Read & Write",
  Vultr:
    "https://my.vultr.com/settings/#settingsapi: enable the API and let this machine's address in; its user needs what is named",
  AWS: "https://console.aws.amazon.com/iam: the user's permissions, by the policy in docs/credentials.md",
  Cloudflare:
    "https://dash.cloudflare.com: Manage Account, Account API Tokens; the permissions are in docs/credentials.md",
  Tailscale:
    "https://login.tailscale.com/admin/settings/oauth: scopes auth_keys and devices:core, owning the cluster's tag",
};
