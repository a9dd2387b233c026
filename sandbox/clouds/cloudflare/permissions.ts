import { createHash } from "node:crypto";
import type { Account, Token } from "./state.ts";

const ACCOUNT = "com.cloudflare.api.account";
const ZONE = "com.cloudflare.api.account.zone";
const BUCKET = "com.cloudflare.edge.r2.bucket";

/** Names and scopes: https://developers.cloudflare.com/fundamentals/api/reference/permissions/ */
const GROUPS = {
  "Zone Read": ZONE,
  "Zone Settings Read": ZONE,
  "Zone Settings Write": ZONE,
  "DNS Read": ZONE,
  "DNS Write": ZONE,
  "Account Settings Read": ACCOUNT,
  "Account API Tokens Read": ACCOUNT,
  "Account API Tokens Write": ACCOUNT,
  "Workers R2 Storage Read": ACCOUNT,
  "Workers R2 Storage Write": ACCOUNT,
  "Workers R2 Storage Bucket Item Read": BUCKET,
  "Workers R2 Storage Bucket Item Write": BUCKET,
  "Cloudflare Tunnel Read": ACCOUNT,
  "Cloudflare Tunnel Write": ACCOUNT,
} as const;

export type Permission = keyof typeof GROUPS;

/** The ids are of the sandbox's making: Cloudflare says to look them up by name. */
export const PERMISSION_GROUPS = Object.entries(GROUPS).map(([name, scope]) => ({
  id: createHash("md5").update(name).digest("hex"),
  name,
  scopes: [scope],
}));

const idOf = (permission: Permission) => PERMISSION_GROUPS.find(({ name }) => name === permission)?.id;

/** What the operator's own token needs: docs/credentials.md names the same. */
export const OPERATOR_PERMISSIONS: readonly Permission[] = [
  "Zone Read",
  "Zone Settings Write",
  "DNS Write",
  "Account API Tokens Write",
  "Workers R2 Storage Write",
  "Cloudflare Tunnel Write",
];

export const accountResource = (account: Account) => `${ACCOUNT}.${account.id}`;
export const zoneResource = (zoneId: string) => `${ZONE}.${zoneId}`;
export const bucketResource = (account: Account, bucket: string) =>
  `${BUCKET}.${account.id}_default_${bucket}`;

/** The resources that stand for a thing: the thing itself, all of its kind, and what it lies in. */
function covers(account: Account, resource: string): string[] {
  const kind = resource.slice(0, resource.lastIndexOf("."));
  return [resource, `${kind}.*`, accountResource(account), `${ACCOUNT}.*`];
}

/** Whether a token may; Write includes Read. */
export function may(account: Account, token: Token, permission: Permission, resource: string): boolean {
  const wide = permission.replace(/Read$/, "Write") as Permission;
  const ids = new Set([idOf(permission), idOf(wide)]);
  const fits = covers(account, resource);
  const granted = token.policies.filter(
    ({ permission_groups, resources }) =>
      permission_groups.some(({ id }) => ids.has(id)) &&
      Object.keys(resources).some((one) => fits.includes(one)),
  );
  return (
    granted.some(({ effect }) => effect === "allow") && granted.every(({ effect }) => effect === "allow")
  );
}

export function isValid({ status, expires_on }: Token, now: number): boolean {
  return status === "active" && (expires_on === null || Date.parse(expires_on) > now);
}
