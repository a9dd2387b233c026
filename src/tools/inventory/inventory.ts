import type { ClusterModel, Servers, StackName } from "../../config/model.ts";
import { tokenOf } from "../cloudflare/buckets.ts";
import { only, type Secrets } from "../secrets/envrc.ts";
import { CREDENTIALS } from "../tofu/environment.ts";
import { awsDelete, awsPowerOn, awsThings } from "./aws.ts";
import { cloudflareDelete, cloudflareThings } from "./cloudflare.ts";
import { hetznerDelete, hetznerPowerOn, hetznerThings } from "./hetzner.ts";
import type { Thing } from "./thing.ts";
import { vultrDelete, vultrPowerOn, vultrThings } from "./vultr.ts";

export interface Owner {
  model: ClusterModel;
  servers: Servers;
  secrets: Secrets;
}

/** Whether the provider can be asked at all. */
export function hasCredentials(secrets: Secrets, provider: StackName): boolean {
  return Object.keys(only(secrets, CREDENTIALS[provider])).length === CREDENTIALS[provider].length;
}

/** What of the cluster is at one provider, as the provider tells it; at AWS in the regions of its nodes, or in all. Reads only. */
export async function thingsAt(
  provider: StackName,
  { model, servers, secrets }: Owner,
  everywhere = false,
): Promise<Thing[]> {
  switch (provider) {
    case "hetzner":
      return hetznerThings(secrets.TF_VAR_hcloud_token ?? "", model.name);
    case "vultr":
      return vultrThings(secrets.TF_VAR_vultr_api_key ?? "", model.name);
    case "aws": {
      const regions = model.nodes.filter((node) => node.provider === "aws").map(({ region }) => region);
      return awsThings(secrets, model.name, everywhere ? undefined : [...new Set(regions)]);
    }
    case "cloudflare":
      return cloudflareThings(tokenOf(secrets), model, servers);
  }
}

export async function powerOn({ secrets }: Owner, server: Thing): Promise<void> {
  if (server.provider === "hetzner") await hetznerPowerOn(secrets.TF_VAR_hcloud_token ?? "", server);
  if (server.provider === "vultr") await vultrPowerOn(secrets.TF_VAR_vultr_api_key ?? "", server);
  if (server.provider === "aws") await awsPowerOn(secrets, server);
}

/** For what was made twice, and for what nobody declared: never a bucket, never a volume. */
export async function deleteThing({ secrets, model }: Owner, thing: Thing): Promise<void> {
  switch (thing.provider) {
    case "hetzner":
      return hetznerDelete(secrets.TF_VAR_hcloud_token ?? "", thing);
    case "vultr":
      return vultrDelete(secrets.TF_VAR_vultr_api_key ?? "", thing);
    case "aws":
      return awsDelete(secrets, thing);
    case "cloudflare":
      return cloudflareDelete(tokenOf(secrets), model.cloudflare ?? { accountId: "" }, thing);
  }
}
