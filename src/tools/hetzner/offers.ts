import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { UserError } from "../../output/errors.ts";

/** https://docs.hetzner.cloud/ */
const API = "https://api.hetzner.cloud/v1";

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

const PageSchema = z.object({
  server_types: z.array(
    z.object({
      name: z.string(),
      cores: z.number(),
      memory: z.number(),
      architecture: z.enum(["x86", "arm"]),
      prices: z.array(
        z.object({ location: z.string(), price_monthly: z.object({ net: z.coerce.number() }) }),
      ),
      locations: z.array(z.object({ name: z.string(), available: z.boolean() })),
    }),
  ),
  meta: z.object({ pagination: z.object({ next_page: z.number().nullable() }) }),
});

/** Everything Hetzner sells, page by page. */
export async function hetznerOffers(token: string): Promise<Offer[]> {
  const offers: Offer[] = [];
  for (let page: number | null = 1; page !== null;) {
    const { server_types, meta }: z.output<typeof PageSchema> = PageSchema.parse(
      await get(`/server_types?per_page=50&page=${page}`, token),
    );
    for (const { name, cores, memory, architecture, prices, locations } of server_types) {
      for (const { location, price_monthly } of prices) {
        offers.push({
          size: name,
          region: location,
          available: locations.some((one) => one.name === location && one.available),
          arch: architecture === "arm" ? "arm64" : "amd64",
          cores,
          memoryGb: memory,
          currency: "EUR",
          monthly: price_monthly.net,
        });
      }
    }
    page = meta.pagination.next_page;
  }
  return offers;
}

const TRIES = 4;
const PATIENCE = 20_000;

/** Asks again where Hetzner says to come later, or fails by itself: https://docs.hetzner.cloud/#rate-limiting */
async function get(path: string, token: string): Promise<unknown> {
  for (let tries = 1; ; tries++) {
    const response = await fetch(`${API}${path}`, {
      headers: { authorization: `Bearer ${token}` },
      signal: AbortSignal.timeout(PATIENCE),
    }).catch((error: unknown) => String(error instanceof Error ? (error.cause ?? error) : error));
    if (typeof response !== "string" && response.ok) return response.json();
    const status = typeof response === "string" ? 0 : response.status;
    const why = typeof response === "string" ? response : `it answered ${status}: ${await response.text()}`;
    if (status === 401 || status === 403)
      throw new UserError({
        what: "Hetzner does not accept the token",
        why,
        fix: "make one in the project under Security, API tokens (read and write), and put it into .envrc.local as TF_VAR_hcloud_token",
      });
    if (tries === TRIES || (status !== 0 && status !== 429 && status < 500))
      throw new UserError({ what: "Hetzner's API can't be asked", why });
    const asked = typeof response === "string" ? Number.NaN : Number(response.headers.get("retry-after"));
    await sleep(asked > 0 ? asked * 1000 : 500 * 2 ** tries);
  }
}
