import { z } from "zod";
import { hetznerList } from "./client.ts";

/** A server type that can be had at a place, and its price without tax. */
export interface Offer {
  size: string;
  region: string;
  available: boolean;
  arch: "amd64" | "arm64";
  cores: number;
  memoryGb: number;
  currency: string;
  monthly: number;
}

const TypeSchema = z.object({
  name: z.string(),
  cores: z.number(),
  memory: z.number(),
  architecture: z.enum(["x86", "arm"]),
  prices: z.array(z.object({ location: z.string(), price_monthly: z.object({ net: z.coerce.number() }) })),
  locations: z.array(z.object({ name: z.string(), available: z.boolean() })),
});

/** Everything Hetzner sells. */
export async function hetznerOffers(token: string): Promise<Offer[]> {
  const types = await hetznerList(token, "/server_types", "server_types", TypeSchema);
  return types.flatMap(({ name, cores, memory, architecture, prices, locations }) =>
    prices.map(({ location, price_monthly }) => ({
      size: name,
      region: location,
      available: locations.some((one) => one.name === location && one.available),
      arch: architecture === "arm" ? ("arm64" as const) : ("amd64" as const),
      cores,
      memoryGb: memory,
      currency: "EUR",
      monthly: price_monthly.net,
    })),
  );
}
