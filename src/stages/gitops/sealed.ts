import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { ClusterModel } from "../../config/model.ts";
import { EXIT, UserError } from "../../output/errors.ts";
import { ensureSops } from "../../tools/sops/install.ts";
import { openSealed, seal, type Sealed } from "../../tools/sops/seal.ts";
import type { Sops } from "../../tools/sops/sops.ts";
import { outputs } from "../../tools/tofu/stack.ts";
import type { ClusterContext } from "../context.ts";
import { open } from "../stack/bring.ts";
import { RULES_FILE } from "../../secrets/rules.ts";

/** Cloudflare's token for DNS-01, which OpenTofu minted; cert-manager's issuers name it. */
export const DNS_TOKEN: Sealed = {
  path: "kubernetes/infrastructure/issuers/cloudflare.sops.yaml",
  name: "cloudflare-dns",
  namespace: "cert-manager",
  key: "api-token",
};

/** What the git host signs its webhook with. ArgoCD reads it out of Secrets that are labelled as its own. */
export const WEBHOOK: Sealed = {
  path: "kubernetes/bootstrap/secrets/webhook.sops.yaml",
  name: "webhook",
  namespace: "argocd",
  labels: { "app.kubernetes.io/part-of": "argocd" },
  key: "secret",
};

/** The tunnel's token, which OpenTofu minted. */
export const TUNNEL: Sealed = {
  path: "kubernetes/infrastructure/tunnel/token.sops.yaml",
  name: "tunnel-token",
  namespace: "tunnel",
  key: "token",
};

/** The key by which Velero reads and writes the backups' bucket, which OpenTofu minted; as AWS's tools keep it in a file. */
export const R2_KEY: Sealed = {
  path: "kubernetes/infrastructure/velero/r2.sops.yaml",
  name: "r2",
  namespace: "velero",
  key: "cloud",
};

/** What the volumes' repository is encrypted with. Velero would make this Secret itself, with a password that everybody knows. */
export const REPOSITORY_PASSWORD: Sealed = {
  path: "kubernetes/infrastructure/velero/repository.sops.yaml",
  name: "velero-repo-credentials",
  namespace: "velero",
  key: "repository-password",
};

/** The private half of the cluster's deploy key: in git for the day the cluster is made anew; `up` hands it over, Argo CD does not. */
export const DEPLOY_KEY: Sealed = {
  path: "kubernetes/bootstrap/deploy-key.sops.yaml",
  name: "repository",
  namespace: "argocd",
  key: "sshPrivateKey",
};

export const DEPLOY_KEY_PUBLIC = "kubernetes/bootstrap/deploy-key.pub";

/** SOPS with the repository's rules; a repository without any is told how to get them. */
export async function openSops({ root, lock }: Pick<ClusterContext, "root" | "lock">): Promise<Sops> {
  if (!existsSync(join(root, RULES_FILE))) {
    throw new UserError(
      {
        what: `there is no ${RULES_FILE}`,
        why: "what the cluster needs to know is encrypted before it is in git",
        fix: "make the keys and the rules: infra-k3s secrets init",
      },
      EXIT.config,
    );
  }
  return { root, program: await ensureSops(lock) };
}

/** A file that is to be sealed anew, with its value. */
export interface Unsealed {
  sealed: Sealed;
  reason: string;
  value: string;
}

/** The files that are missing or hold another value than their source. Opens them; writes nothing. */
export async function unsealed(context: ClusterContext, sops: Sops): Promise<Unsealed[]> {
  const found: Unsealed[] = [];
  const tokens = await minted(context);
  for (const { sealed, output, textOf = asTold } of tokenFiles(context.model)) {
    const value = textOf(tokens[output]);
    if (typeof value !== "string" || value === "") {
      throw new UserError({
        what: `OpenTofu has no ${output} yet`,
        why: "the stage dns mints it at Cloudflare",
        fix: "infra-k3s up, without --only",
      });
    }
    const before = await openSealed(sops, sealed);
    if (before === value) continue;
    const reason =
      before === undefined ? "minted by OpenTofu, and not in git yet" : "OpenTofu minted a new one";
    found.push({ sealed, value, reason });
  }
  for (const { sealed, reason } of MADE) {
    if ((await openSealed(sops, sealed)) !== undefined) continue;
    found.push({ sealed, value: randomBytes(32).toString("hex"), reason });
  }
  return found;
}

/** Made here, once. */
const MADE: readonly Omit<Unsealed, "value">[] = [
  { sealed: WEBHOOK, reason: "the git host's webhook needs one" },
  { sealed: REPOSITORY_PASSWORD, reason: "the volumes' backups are encrypted with it" },
];

export async function sealAll(sops: Sops, files: readonly Unsealed[]): Promise<void> {
  for (const { sealed, value } of files) await seal(sops, sealed, value);
}

const asTold = (told: unknown): unknown => told;

/** An output of OpenTofu's that is kept in a Secret. */
interface Minted {
  sealed: Sealed;
  output: string;
  /** The Secret's value, where the output itself is not. */
  textOf?: (told: unknown) => unknown;
}

function tokenFiles({ cloudflare }: ClusterModel): Minted[] {
  return [
    { sealed: DNS_TOKEN, output: "dns01_token" },
    { sealed: R2_KEY, output: "r2_backup_key", textOf: credentialsFile },
    ...(cloudflare?.tunnel === true ? [{ sealed: TUNNEL, output: "tunnel_token" }] : []),
  ];
}

/** https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html; undefined where there is no key. */
export function credentialsFile(told: unknown): string | undefined {
  const { access_key_id: id, secret_access_key: secret } = (told ?? {}) as Record<string, string | undefined>;
  return id && secret ? `[default]\naws_access_key_id=${id}\naws_secret_access_key=${secret}\n` : undefined;
}

/** What OpenTofu minted at Cloudflare; asked of its state only where the stage dns has not just seen it. */
async function minted(context: ClusterContext): Promise<Readonly<Record<string, unknown>>> {
  const seen = context.cloudflareOutputs;
  if (typeof seen?.["dns01_token"] === "string") return seen;
  return outputs(await open(context, "cloudflare"));
}
