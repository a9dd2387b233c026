import { join } from "node:path";
import type { Api, Reply, Request } from "../../services/api.ts";
import { credentialsStore } from "../credentials.ts";
import type { Machines } from "../machines.ts";
import { type Handler, route } from "../route.ts";
import { Store } from "../store.ts";
import { authenticate, authorize } from "./access.ts";
import { page, Refusal } from "./answer.ts";
import { catalogueRoutes } from "./catalogue.ts";
import { enforcer, firewallRoutes } from "./firewalls.ts";
import { instanceRoutes } from "./instances.ts";
import { sshKeyRoutes } from "./ssh-keys.ts";
import { type Account, EMPTY_ACCOUNT } from "./state.ts";

export const vultrStore = (folder: string): Store<Account> =>
  new Store(join(folder, "vultr.json"), EMPTY_ACCOUNT);

/** Calls a second: https://docs.vultr.com/support/platform/api/what-rate-limits-apply-to-the-vultr-api */
const LIMIT = 30;

/** Simulates https://api.vultr.com/v2 for one account; `folder` is where it keeps what it knows. */
export function vultrApi(folder: string, machines: Machines, clock: () => number = Date.now): Api {
  const store = vultrStore(folder);
  const credentials = credentialsStore(join(folder, ".."));
  const enforce = enforcer(store, machines);
  const open = catalogueRoutes(store);
  const routes: Record<string, Handler> = {
    ...NEVER_MADE,
    ...sshKeyRoutes(store),
    ...firewallRoutes(store, enforce),
    ...instanceRoutes(store, machines, enforce),
  };
  let calls: number[] = [];

  async function answer(request: Request): Promise<Reply> {
    const now = clock();
    calls = [...calls.filter((at) => at > now - 1000), now];
    if (calls.length > LIMIT) throw new Refusal(429, "Too Many Requests", { "retry-after": "1" });
    const told = route(open, request);
    if (told !== undefined) return told();
    const key = authenticate(request, credentials.read().vultr ?? [], now);
    authorize(key, request);
    if (request.method === "GET" && request.path === "/v2/account") return account(key.acls);
    const handler = route(routes, request);
    if (handler === undefined) throw new Refusal(501, `not simulated: ${request.method} ${request.path}`);
    return handler();
  }

  return async (request) => {
    try {
      return await answer(request);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      return error.reply;
    }
  };
}

function account(acls: readonly string[]): Reply {
  const money = { balance: -100, pending_charges: 0, last_payment_date: "2026-01-01T00:00:00+00:00", last_payment_amount: -100 }; // prettier-ignore
  return { status: 200, body: { account: { name: "Sandbox", email: "me@example.com", acls, ...money } } };
}

/** Nothing of these is ever created here: an empty list is the truth. */
const NEVER_MADE: Record<string, Handler> = {
  ...Object.fromEntries(
    Object.entries({
      "bare-metals": "bare_metals",
      blocks: "blocks",
      "load-balancers": "load_balancers",
      "reserved-ips": "reserved_ips",
      snapshots: "snapshots",
      vpcs: "vpcs",
    }).map(([path, key]): [string, Handler] => [`GET /v2/${path}`, ({ query }) => page(key, [], query)]),
  ),
  // VPC 2.0 is no more: https://github.com/vultr/terraform-provider-vultr/issues/753
  ...Object.fromEntries(
    ["GET /v2/vpc2", "GET /v2/instances/{id}/vpc2"].map((pattern): [string, Handler] => [
      pattern,
      () => {
        throw new Refusal(404, "Not found.");
      },
    ]),
  ),
};
