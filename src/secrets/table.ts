/** Where a secret is kept. */
export type Store = "direnv" | "TF_VAR" | "Ansible Vault" | "SOPS" | "age" | "tofu state" | "the cluster";

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
    "INFRA_K3S_REPORT_URL",
    "who is told how the cluster is",
    "a new URL at its receiver, infra-k3s up, then end the old",
  ),
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
    name: "drill's key",
    store: "age",
    file: ".drill-key.local",
    scope: "the recovery kit, every SOPS file, inventories; reads the backups and the state",
    rotation: "infra-k3s drill init --renew, then a new recovery kit",
  },
  {
    name: "tokens minted by OpenTofu (DNS-01, R2, tunnel)",
    store: "tofu state",
    file: "",
    scope: "one zone, one bucket, one tunnel",
    rotation: "tofu apply -replace, then infra-k3s up --push",
  },
  {
    name: "R2 key of etcd's snapshots",
    store: "the cluster",
    file: "",
    scope: "objects of the backups' bucket; what is locked it can't delete",
    rotation: "tofu apply -replace, then infra-k3s up writes it to the master",
  },
  {
    name: "deploy key",
    store: "SOPS",
    file: "kubernetes/bootstrap/deploy-key.sops.yaml",
    scope: "the cluster reads its own repository",
    rotation:
      "remove it and deploy-key.pub, infra-k3s init --repository URL, add the new one at the git host, infra-k3s up --push",
  },
  {
    name: "webhook secret",
    store: "SOPS",
    file: "kubernetes/bootstrap/secrets/webhook.sops.yaml",
    scope: "the git host tells ArgoCD of a push",
    rotation: "infra-k3s secrets set FILE secret, push, then the same at the git host",
  },
  {
    name: "DNS-01 token",
    store: "SOPS",
    file: "kubernetes/infrastructure/issuers/cloudflare.sops.yaml",
    scope: "records of the one zone, for certificates",
    rotation: "tofu apply -replace, then infra-k3s up --push seals the new one",
  },
  {
    name: "Velero's R2 key",
    store: "SOPS",
    file: "kubernetes/infrastructure/velero/r2.sops.yaml",
    scope: "objects of the backups' bucket",
    rotation: "tofu apply -replace, then infra-k3s up --push seals the new one",
  },
  {
    name: "password of the volumes' backups",
    store: "SOPS",
    file: "kubernetes/infrastructure/velero/repository.sops.yaml",
    scope: "what is in every backup of a volume",
    rotation: "never: what was saved before would not open any more",
  },
  {
    name: "tunnel token",
    store: "SOPS",
    file: "kubernetes/infrastructure/tunnel/token.sops.yaml",
    scope: "one tunnel; only with cloudflare.tunnel",
    rotation: "tofu apply -replace, then infra-k3s up --push seals the new one",
  },
  {
    name: "ArgoCD's admin password",
    store: "the cluster",
    file: "",
    scope: "ArgoCD, while infra-k3s argocd runs",
    rotation: "each infra-k3s argocd makes one, and ends it",
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
