import { z } from "zod";
import { vultr, vultrList } from "../vultr/client.ts";
import type { Offer } from "./offer.ts";

const Plan = z.object({
  id: z.string(),
  vcpu_count: z.number(),
  ram: z.number(),
  monthly_cost: z.number(),
  locations: z.array(z.string()),
  location_cost: z
    .union([z.record(z.string(), z.object({ monthly_cost: z.number() })), z.array(z.never())])
    .optional(),
});
const Available = z.object({ available_plans: z.array(z.string()) });

/** What Vultr sells; whether it can be had now is asked for these regions. Its plans are amd64, a public address included. */
export async function vultrOffers(key: string, regions: readonly string[]): Promise<Offer[]> {
  const [plans, ...available] = await Promise.all([
    vultrList(key, "/plans", "plans", Plan),
    ...regions.map(async (region) => {
      const answer = await vultr(key, "GET", `/regions/${region}/availability`).catch(() => undefined);
      return Available.safeParse(answer).data?.available_plans ?? [];
    }),
  ]);
  return plans.flatMap(({ id, vcpu_count, ram, monthly_cost, locations, location_cost }) =>
    locations.map((region) => ({
      size: id,
      region,
      available: available[regions.indexOf(region)]?.includes(id) ?? false,
      arch: "amd64" as const,
      cores: vcpu_count,
      memoryGb: ram / 1024,
      currency: "USD",
      monthly:
        (Array.isArray(location_cost) ? undefined : location_cost?.[region]?.monthly_cost) ?? monthly_cost,
      note: "",
    })),
  );
}
