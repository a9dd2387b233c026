import { join } from "node:path";
import type { Cloudflare } from "../../src/config/model.ts";
import { ensureAccount } from "../clouds/cloudflare/account.ts";
import { cloudflareStore } from "../clouds/cloudflare/api.ts";
import { bucketResource, PERMISSION_GROUPS } from "../clouds/cloudflare/permissions.ts";
import type { Account, Policy, Token } from "../clouds/cloudflare/state.ts";
import { hex } from "../clouds/credentials.ts";
import { attributesOf, type State } from "./tofu-state.ts";

/** What of the real account a restored cluster counts on, as OpenTofu's state and the recovery kit have it. */
export interface Remembered {
  state: State;
  /** The key of the state's bucket. */
  stateKey: { id: string; secret: string };
}

const MINTED = "cloudflare_account_token";

/**
 * The operator's account as it is after the servers are lost: its zone, the buckets, and the tokens that OpenTofu minted, so that
 * what is sealed in git, or lies in the snapshot, opens here what it opens there. Records are made anew.
 */
export function seedAccount(stateDir: string, { accountId, zone, ...buckets }: Cloudflare, { state, stateKey }: Remembered): void {
  ensureAccount(stateDir, { zone, id: accountId });
  const now = new Date().toISOString();
  cloudflareStore(join(stateDir, "clouds")).change((account) => {
    moveZone(account, zoneOf(state));
    for (const name of [buckets.backupBucket, buckets.stateBucket]) {
      if (account.buckets.some((bucket) => bucket.name === name)) continue;
      account.buckets.push({ name, creation_date: now, location: "EEUR", storage_class: "Standard", lifecycle: [], lock: [] });
    }
    const known = new Set(account.tokens.map(({ id }) => id));
    const minted = attributesOf(state, "managed", MINTED).map((told) => mintedToken(told, state, now));
    const ofState: Token = {
      ...blank(stateKey.id, "infra-k3s state", now),
      value: hex(40),
      s3Secret: stateKey.secret,
      policies: [policy(["Workers R2 Storage Bucket Item Write"], { [bucketResource(account, buckets.stateBucket)]: "*" })],
    };
    account.tokens.push(...[...minted, ofState].filter(({ id }) => !known.has(id)));
  });
} // prettier-ignore

/** The zone's id at Cloudflare: what is granted on it names it. */
function zoneOf(state: State): string | undefined {
  const [told] = attributesOf(state, "data", "cloudflare_zone");
  const id = told?.["zone_id"] ?? told?.["id"];
  return typeof id === "string" && id !== "" ? id : undefined;
}

function moveZone(account: Account, id: string | undefined): void {
  const [zone] = account.zones;
  if (zone === undefined || id === undefined || zone.id === id) return;
  // The operator's own token is granted on the zone.
  for (const token of account.tokens)
    for (const one of token.policies)
      one.resources = Object.fromEntries(
        Object.entries(one.resources).map(([name, value]) => [name.replace(zone.id, id), value]),
      );
  zone.id = id;
}

function mintedToken(told: Record<string, unknown>, state: State, now: string): Token {
  const { id, name, value, policies } = told as { id: string; name: string; value: string; policies: ToldPolicy[] };
  const names = groupNames(state);
  return {
    ...blank(id, name, now),
    value,
    policies: policies.map(({ permission_groups, resources }) =>
      policy(permission_groups.map((group) => names.get(group.id) ?? ""), JSON.parse(resources) as Policy["resources"]),
    ),
  };
} // prettier-ignore

interface ToldPolicy {
  permission_groups: { id: string }[];
  resources: string;
}

/** Cloudflare's ids of permission groups are not the sandbox's. */
function groupNames(state: State): Map<string, string> {
  const lists = attributesOf(state, "data", "cloudflare_account_api_token_permission_groups_list");
  const all = lists.flatMap(({ result }) => (result ?? []) as { id: string; name: string }[]);
  return new Map(all.map(({ id, name }) => [id, name]));
}

function policy(groups: readonly string[], resources: Policy["resources"]): Policy {
  const known = PERMISSION_GROUPS.filter(({ name }) => groups.includes(name));
  return { id: hex(32), effect: "allow", permission_groups: known.map(({ id }) => ({ id })), resources };
}

const blank = (id: string, name: string, now: string) =>
  ({ id, name, status: "active", expires_on: null, issued_on: now, modified_on: now }) as const;
