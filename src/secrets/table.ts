/** Where a secret is kept. */
export type Store = "direnv" | "TF_VAR" | "Ansible Vault" | "SOPS" | "age" | "tofu state";

export interface SecretEntry {
  name: string;
  store: Store;
  /** The file it stands in; empty where every SOPS file is meant. */
  file: string;
  /** What it opens. */
  scope: string;
  rotation: string;
}

const ENVRC = ".envrc.local";
const VAULT = "ansible/inventory/group_vars/all/vault.yml";

const direnv = (name: string, scope: string, rotation: string): SecretEntry => ({
  name,
  store: name.startsWith("TF_VAR_") ? "TF_VAR" : "direnv",
  file: ENVRC,
  scope,
  rotation,
});

/** Each secret the project knows by name. docs/secrets.md has the same table, and a test compares them. */
export const SECRETS: readonly SecretEntry[] = [
  direnv("ANSIBLE_VAULT_PASSWORD", "the vault", `ansible-vault rekey ${VAULT}, then the new one here`),
  direnv("TAILSCALE_OAUTH_CLIENT_ID", "names the client below", "with its secret"),
  direnv(
    "TAILSCALE_OAUTH_CLIENT_SECRET",
    "join keys and devices of the cluster's tag",
    "a new OAuth client in Tailscale's console, then revoke the old",
  ),
  direnv("TAILSCALE_AUTHKEY", "instead of the client: joins one tag", "a new key, then revoke the old"),
  direnv("INFRA_K3S_SSH_KEY", "path of the key that opens the servers", "a new key pair, infra-k3s up"),
  direnv(
    "TF_VAR_hcloud_token",
    "one Hetzner project, read and write",
    "a new token in the project, then delete the old",
  ),
  direnv("TF_VAR_vultr_api_key", "the Vultr account", "Vultr's console: regenerate"),
  direnv("TF_VAR_aws_access_key_id", "names the key below", "with its secret"),
  direnv(
    "TF_VAR_aws_secret_access_key",
    "one IAM user: EC2 of one region",
    "a second key in IAM, then delete the first",
  ),
  direnv(
    "TF_VAR_cloudflare_api_token",
    "DNS of the zone, R2 and tokens of the account",
    "Cloudflare's console: roll",
  ),
  direnv(
    "TF_VAR_state_passphrase",
    "OpenTofu's states and plans",
    "tofu's encryption block with the old as fallback, tofu apply",
  ),
  direnv("TF_VAR_state_access_key_id", "names the key below", "with its secret"),
  direnv(
    "TF_VAR_state_secret_access_key",
    "the state bucket",
    "a new R2 token for that bucket, then delete the old",
  ),
  {
    name: "vault_k3s_token",
    store: "Ansible Vault",
    file: VAULT,
    scope: "joins servers; the key of etcd's snapshots",
    rotation: "k3s token rotate on the master, then ansible-vault edit; old snapshots need the old one",
  },
  {
    name: "cluster's age key",
    store: "age",
    file: ".age-key.local",
    scope: "every SOPS file, in the cluster and here",
    rotation: "infra-k3s secrets rotate --renew cluster",
  },
  {
    name: "recovery age key",
    store: "age",
    file: "",
    scope: "every SOPS file, when the cluster's key is lost; kept elsewhere",
    rotation: "infra-k3s secrets rotate --renew recovery",
  },
  {
    name: "tokens minted by OpenTofu (DNS-01, R2, tunnel)",
    store: "tofu state",
    file: "",
    scope: "one zone, one bucket, one tunnel",
    rotation: "tofu apply -replace, then into its SOPS file: tofu output -raw … | infra-k3s secrets set",
  },
  {
    name: "each value of each *.sops.yaml",
    store: "SOPS",
    file: "",
    scope: "its namespace",
    rotation: "new at its source, then infra-k3s secrets set FILE KEY",
  },
];

/** The table of docs/secrets.md. */
export function docsTable(): string {
  const rows = SECRETS.map(({ name, store, file, scope, rotation }) =>
    [`\`${name}\``, store, file === "" ? "" : `\`${file}\``, scope, rotation.replaceAll("|", "\\|")].join(
      " | ",
    ),
  );
  return ["secret | store | file | scope | rotation", "--- | --- | --- | --- | ---", ...rows]
    .map((row) => `| ${row} |\n`)
    .join("");
}
