import { join } from "node:path";
import { hex, letters } from "../credentials.ts";
import { accountResource, OPERATOR_PERMISSIONS, PERMISSION_GROUPS, zoneResource } from "./permissions.ts";
import { Store } from "../store.ts";
import { type Account, NO_ACCOUNT, type Token } from "./state.ts";

/** The operator's account with one zone, as if both had been there for years; made once per sandbox. */
export function ensureAccount(stateDir: string, wanted: { id?: string; zone: string }): Account {
  const store = new Store(join(stateDir, "clouds/cloudflare.json"), NO_ACCOUNT);
  const known = store.read();
  if (known.id !== "") return known;
  return store.change((account) => {
    account.id = wanted.id ?? hex(32);
    account.name = "Operator's account";
    const zone = { id: hex(32), name: wanted.zone, settings: {} };
    account.zones.push(zone);
    account.tokens.push(operatorToken(account, zone.id));
    return account;
  });
}

/** Those of the operator's permissions that are given on zones, or on the account. */
const groups = (scope: "zone" | "account") =>
  PERMISSION_GROUPS.filter(
    ({ name, scopes }) =>
      OPERATOR_PERMISSIONS.some((permission) => permission === name) &&
      scopes.some((one) => one.endsWith(".zone")) === (scope === "zone"),
  ).map(({ id }) => ({ id }));

const policy = (scope: "zone" | "account", resource: string) => ({
  id: hex(32),
  effect: "allow" as const,
  permission_groups: groups(scope),
  resources: { [resource]: "*" },
});

function operatorToken(account: Account, zoneId: string): Token {
  const now = new Date().toISOString();
  return {
    id: hex(32),
    name: "operator",
    value: letters(40),
    status: "active",
    expires_on: null,
    policies: [policy("zone", zoneResource(zoneId)), policy("account", accountResource(account))],
    issued_on: now,
    modified_on: now,
  };
}
