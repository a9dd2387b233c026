import { type ClusterModel, CLOUDS, type CloudProvider } from "../../config/model.ts";
import { UserError } from "../../output/errors.ts";
import { hasCredentials } from "../inventory/inventory.ts";
import type { Secrets } from "../secrets/envrc.ts";
import { CREDENTIALS } from "../tofu/environment.ts";
import { awsOffers } from "./aws.ts";
import { hetznerOffers } from "./hetzner.ts";
import type { Offer } from "./offer.ts";
import { vultrOffers } from "./vultr.ts";

/** What a provider sells, or why that is not known. */
export type Offers = Readonly<Partial<Record<CloudProvider, readonly Offer[] | string>>>;

/** Asks the providers of the cluster's nodes at once. Reads only. */
export async function askOffers({ nodes }: ClusterModel, secrets: Secrets): Promise<Offers> {
  const used = CLOUDS.filter((cloud) => nodes.some(({ provider }) => provider === cloud));
  const found = await Promise.all(
    used.map(async (cloud) => {
      const own = nodes.filter(({ provider }) => provider === cloud);
      if (!hasCredentials(secrets, cloud))
        return [
          cloud,
          `unknown: there is no ${CREDENTIALS[cloud].join(" and no ")} in .envrc.local`,
        ] as const;
      try {
        return [cloud, await offersOf(cloud, own, secrets)] as const;
      } catch (error) {
        // A price is no reason not to plan; a wrong credential is told when it is used.
        return [cloud, `unknown: ${error instanceof UserError ? error.fault.what : String(error)}`] as const;
      }
    }),
  );
  return Object.fromEntries(found);
}

function offersOf(cloud: CloudProvider, nodes: ClusterModel["nodes"], secrets: Secrets): Promise<Offer[]> {
  switch (cloud) {
    case "hetzner":
      return hetznerOffers(secrets.TF_VAR_hcloud_token ?? "");
    case "vultr":
      return vultrOffers(secrets.TF_VAR_vultr_api_key ?? "", [...new Set(nodes.map(({ region }) => region))]);
    case "aws":
      return awsOffers(secrets, nodes);
  }
}
