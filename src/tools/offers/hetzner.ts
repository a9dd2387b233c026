import { z } from "zod";
import { hetzner, hetznerList } from "../hetzner/client.ts";
import type { Offer } from "./offer.ts";

const TypeSchema = z.object({
  name: z.string(),
  cores: z.number(),
  memory: z.number(),
  architecture: z.enum(["x86", "arm"]),
  prices: z.array(z.object({ location: z.string(), price_monthly: z.object({ net: z.coerce.number() }) })),
  locations: z.array(z.object({ name: z.string(), available: z.boolean() })),
});

const PricingSchema = z.object({
  pricing: z.object({
    currency: z.string(),
    primary_ips: z.array(
      z.object({
        type: z.string(),
        prices: z.array(
          z.object({ location: z.string(), price_monthly: z.object({ net: z.coerce.number() }) }),
        ),
      }),
    ),
  }),
});

/** Everything Hetzner sells, each with the public IPv4 address that a server of ours has: it has a price of its own. */
export async function hetznerOffers(token: string): Promise<Offer[]> {
  const [types, told] = await Promise.all([
    hetznerList(token, "/server_types", "server_types", TypeSchema),
    hetzner(token, "GET", "/pricing"),
  ]);
  const { currency, primary_ips } = PricingSchema.parse(told).pricing;
  const addresses = primary_ips.find(({ type }) => type === "ipv4")?.prices ?? [];
  const addressAt = (at: string) => addresses.find(({ location }) => location === at)?.price_monthly.net ?? 0;
  return types.flatMap(({ name, cores, memory, architecture, prices, locations }) =>
    prices.map(({ location, price_monthly }) => ({
      size: name,
      region: location,
      available: locations.some((one) => one.name === location && one.available),
      arch: architecture === "arm" ? ("arm64" as const) : ("amd64" as const),
      cores,
      memoryGb: memory,
      currency,
      monthly: Math.round((price_monthly.net + addressAt(location)) * 100) / 100,
      note: `server ${price_monthly.net.toFixed(2)}, IPv4 address ${addressAt(location).toFixed(2)}`,
    })),
  );
}
