import type { Request } from "../../services/api.ts";
import type { VultrKey } from "../credentials.ts";
import { Refusal } from "./answer.ts";

/** What a key's user may: https://docs.vultr.com/support/platform/users/what-permissions-can-be-granted-to-users */
export const ACLS = ["manage_users", "subscriptions_view", "subscriptions", "billing", "support", "provisioning", "dns", "abuse", "upgrade", "firewall", "alerts", "objstore", "loadbalancer", "vke", "activity_logs"] as const; // prettier-ignore
export type Acl = (typeof ACLS)[number];

/** What one permission brings with it: https://docs.vultr.com/support/platform/iam/what-happens-to-my-existing-acl-based-access-when-iam-is-enabled */
const IMPLIED: Partial<Record<Acl, readonly Acl[]>> = {
  manage_users: ACLS,
  provisioning: ["subscriptions", "subscriptions_view"],
  subscriptions: ["subscriptions_view"],
};

/** Whoever holds one of the account's keys, or is refused. */
export function authenticate(
  { authorization, client = "" }: Request,
  keys: readonly VultrKey[],
  now: number,
): VultrKey {
  const key = keys.find((one) => authorization === `Bearer ${one.key}`);
  if (key === undefined || (key.expires !== undefined && Date.parse(key.expires) <= now))
    throw new Refusal(401, "Invalid API token.");
  // https://github.com/vultr/terraform-provider-vultr/issues/375
  if (key.from?.includes(client) === false) throw new Refusal(401, `Unauthorized IP address: ${client}`);
  return key;
}

export function authorize({ acls }: VultrKey, request: Request): void {
  const needed = neededFor(request);
  if (needed === undefined || acls.some((acl) => acl === needed || IMPLIED[acl]?.includes(needed))) return;
  throw new Refusal(403, `You are not allowed to perform that action: ${needed}`);
}

function neededFor({ method, path, body }: Request): Acl | undefined {
  const [, kind, rest] = /^\/v2\/([a-z-]+)([^?]*)/.exec(path) ?? [];
  if (kind === "firewalls") return "firewall";
  if (kind !== "instances") return undefined;
  if (method === "GET") return "subscriptions_view";
  if (method === "POST" && rest === "") return "provisioning";
  return method === "PATCH" && /"plan"\s*:/.test(body) ? "upgrade" : "subscriptions";
}
