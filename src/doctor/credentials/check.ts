import type { ClusterModel } from "../../config/model.ts";
import { type Fault, formatFault, UserError } from "../../output/errors.ts";
import { openEc2 } from "../../tools/inventory/aws.ts";
import type { SecretName, Secrets } from "../../tools/secrets/envrc.ts";
import { CREDENTIALS } from "../../tools/tofu/environment.ts";
import { checkAws } from "./aws.ts";
import { checkCloudflare } from "./cloudflare.ts";
import { type CredentialFinding, MADE, type Verdict } from "./finding.ts";
import { checkHetzner } from "./hetzner.ts";
import { checkTailscale } from "./tailscale.ts";
import { checkVultr } from "./vultr.ts";

/** Asks all providers of the cluster at once what its credentials may. Changes nothing, and tells no secret. */
export async function checkCredentials(model: ClusterModel, secrets: Secrets): Promise<CredentialFinding[]> {
  const used = (provider: string) =>
    model.cloudflare !== null && model.nodes.some((node) => node.provider === provider);
  const { cloudflare } = model;
  const region = model.nodes.find(({ provider }) => provider === "aws")?.region ?? "";
  const checks: [CredentialFinding["provider"], readonly SecretName[], boolean, () => Promise<Verdict>][] = [
    ["Hetzner", CREDENTIALS.hetzner, used("hetzner"), () => checkHetzner(secrets.TF_VAR_hcloud_token ?? "")],
    ["Vultr", CREDENTIALS.vultr, used("vultr"), () => checkVultr(secrets.TF_VAR_vultr_api_key ?? "")],
    ["AWS", CREDENTIALS.aws, used("aws"), async () => checkAws(await openEc2(secrets, region), region)],
    [
      "Cloudflare",
      CREDENTIALS.cloudflare,
      cloudflare !== null,
      () =>
        cloudflare === null
          ? missing([])
          : checkCloudflare(secrets.TF_VAR_cloudflare_api_token ?? "", cloudflare),
    ],
    [
      "Tailscale",
      ["TAILSCALE_OAUTH_CLIENT_ID", "TAILSCALE_OAUTH_CLIENT_SECRET"],
      secrets.TAILSCALE_AUTHKEY === undefined,
      () => checkTailscale(secrets),
    ],
  ];
  return Promise.all(
    checks
      .filter(([, , wanted]) => wanted)
      .map(async ([provider, variables, , check]): Promise<CredentialFinding> => {
        const absent = variables.filter((name) => secrets[name] === undefined);
        const { state, message, fix } = await (absent.length > 0 ? missing(absent) : check());
        return {
          provider,
          variables: [...variables],
          state,
          message,
          fix: state === "ok" ? "" : (fix ?? MADE[provider]),
        };
      }),
  );
}

function missing(names: readonly string[]): Promise<Verdict> {
  return Promise.resolve({ state: "failed", message: `.envrc.local has no ${names.join(" and no ")}` });
}

/** Stops where a credential is known to be no good, before anything is changed. */
export async function requireCredentials(model: ClusterModel, secrets: Secrets): Promise<void> {
  if (model.cloudflare === null) return;
  const failed = (await checkCredentials(model, secrets)).filter(({ state }) => state === "failed");
  if (failed.length === 0) return;
  const faults = failed.map(({ provider, variables, message, fix }): Fault => ({
    what: `${provider}: ${message}; nothing was changed`,
    why: `${variables.join(" and ")} in .envrc.local`,
    fix,
  }));
  throw new UserError({ what: faults.map(formatFault).join("\n") });
}
