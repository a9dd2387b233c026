import { z } from "zod";
import type { Cloudflare } from "../../config/model.ts";
import { cloudflare, cloudflareList, CloudflareRefusal } from "../../tools/cloudflare/client.ts";
import type { Verdict } from "./finding.ts";

const Verified = z.object({ id: z.string(), status: z.string(), expires_on: z.string().nullish() });
const Zone = z.object({ id: z.string(), name: z.string(), status: z.string().optional() });
const Policies = z.object({
  policies: z.array(
    z.object({
      effect: z.string(),
      permission_groups: z.array(z.object({ id: z.string(), name: z.string().optional() })),
      resources: z.record(z.string(), z.unknown()),
    }),
  ),
});
type Policy = z.output<typeof Policies>["policies"][number];

/** https://developers.cloudflare.com/fundamentals/api/reference/permissions/ */
function needed({ proxied, tunnel }: Cloudflare) {
  return [
    { permission: "Zone Read", on: "zone" },
    { permission: "DNS Write", on: "zone" },
    ...(proxied ? [{ permission: "Zone Settings Write", on: "zone" } as const] : []),
    { permission: "Account API Tokens Write", on: "account" },
    { permission: "Workers R2 Storage Write", on: "account" },
    ...(tunnel ? [{ permission: "Cloudflare Tunnel Write", on: "account" } as const] : []),
  ] as const;
}

export async function checkCloudflare(token: string, at: Cloudflare): Promise<Verdict> {
  try {
    return await check(token, at);
  } catch (error) {
    if (!(error instanceof CloudflareRefusal))
      return { state: "unknown", message: error instanceof Error ? error.message : String(error) };
    if ([400, 401].includes(error.status) || error.codes.includes(9109))
      return {
        state: "failed",
        message: `Cloudflare does not know the token, or it is no longer good, or it is of another account than ${at.accountId}`,
      };
    return { state: "unknown", message: error.message };
  }
}

async function check(token: string, at: Cloudflare): Promise<Verdict> {
  const account = `/accounts/${at.accountId}`;
  const { id, status } = await cloudflare(token, "GET", `${account}/tokens/verify`, Verified);
  if (status !== "active") return { state: "failed", message: `the token is ${status}` };
  const [zones, told] = await Promise.all([
    refused(cloudflareList(token, `/zones?name=${at.zone}&account.id=${at.accountId}`, Zone)),
    refused(cloudflare(token, "GET", `${account}/tokens/${id}`, Policies)),
  ]);
  if (zones === undefined) return { state: "failed", message: "the token lacks the permission Zone Read" };
  const zone = zones.find(({ name }) => name === at.zone);
  if (zone === undefined)
    return {
      state: "failed",
      message: `the token sees no zone ${at.zone} in the account ${at.accountId}`,
      fix: "add the zone to the account, or to the token's zone resources, or correct `cloudflare.zone` in cluster.yaml",
    };
  // Without this one the token can't tell what else it lacks.
  if (told === undefined)
    return { state: "failed", message: "the token lacks the permission Account API Tokens Write" };
  const resources = {
    zone: [`com.cloudflare.api.account.zone.${zone.id}`, "com.cloudflare.api.account.zone.*"],
    account: [`com.cloudflare.api.account.${at.accountId}`, "com.cloudflare.api.account.*"],
  };
  const lacking = needed(at).filter(({ permission, on }) => {
    const fits = on === "zone" ? [...resources.zone, ...resources.account] : resources.account;
    return !told.policies.some((policy) => allows(policy, permission, fits));
  });
  return lacking.length === 0
    ? { state: "ok", message: `may all that is needed in the zone ${at.zone} and the account` }
    : {
        state: "failed",
        message: `the token lacks ${lacking.map(({ permission, on }) => `${permission} on the ${on}`).join(", ")}`,
      };
}

function allows(
  { effect, permission_groups, resources }: Policy,
  permission: string,
  fits: readonly string[],
): boolean {
  const wide = permission.replace(/ Read$/, " Write");
  return (
    effect === "allow" &&
    permission_groups.some(({ name }) => name === permission || name === wide) &&
    Object.keys(resources).some((one) => fits.includes(one))
  );
}

/** Undefined where the token may not. */
async function refused<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    if (error instanceof CloudflareRefusal && error.status === 403) return undefined;
    throw error;
  }
}
