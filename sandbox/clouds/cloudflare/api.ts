import { join } from "node:path";
import type { Api, Reply, Request } from "../../services/api.ts";
import { type Call, route } from "../route.ts";
import { Store } from "../store.ts";
import { ok, Refusal } from "./answer.ts";
import { isValid, may, type Permission } from "./permissions.ts";
import { r2Routes, type Storage } from "./r2.ts";
import { type Account, NO_ACCOUNT, type Token } from "./state.ts";
import { tokenRoutes } from "./tokens.ts";
import { tunnelRoutes } from "./tunnels.ts";
import { zoneRoutes } from "./zones.ts";

export interface Asked extends Call {
  account: Account;
  token: Token;
  change: <R>(work: (account: Account) => R) => R;
  may: (permission: Permission, resource: string) => boolean;
}
export type Answer = (asked: Asked) => Reply | Promise<Reply>;

/** What is answered, and the permission it takes, on what. */
export type Routes = Readonly<
  Record<
    string,
    {
      needs: readonly [Permission, (account: Account, id: string | undefined) => string] | undefined;
      answer: Answer;
    }
  >
>;

export const cloudflareStore = (folder: string): Store<Account> =>
  new Store(join(folder, "cloudflare.json"), NO_ACCOUNT);

/** https://developers.cloudflare.com/fundamentals/api/reference/limits/: then all calls are refused for 5 minutes. */
const LIMIT = 1200;
const WINDOW = 300_000;

/** Simulates https://api.cloudflare.com/client/v4 for one account; `folder` is where it keeps what it knows. */
export function cloudflareApi(folder: string, storage: Storage, edge: readonly string[] = []): Api {
  const store = cloudflareStore(folder);
  const routes: Routes = { ...zoneRoutes, ...tokenRoutes, ...r2Routes(storage), ...tunnelRoutes };
  let calls: number[] = [];

  async function answer(request: Request): Promise<Reply> {
    const now = Date.now();
    calls = [...calls.filter((at) => at > now - WINDOW), now];
    if (calls.length > LIMIT)
      throw new Refusal(429, 10429, "More than 1200 requests per 300 seconds reached. Please wait and consider throttling your request speed.", { "retry-after": "300" }); // prettier-ignore
    const account = store.read();
    // Public: https://developers.cloudflare.com/api/resources/ips/methods/list/
    if (request.method === "GET" && request.path === "/client/v4/ips") return ok(edgeRanges(edge));
    const token = authenticate(account, request, now);
    const handlers = Object.entries(routes).map(([pattern, { needs, answer: reply }]) => [
      pattern,
      (call: Call) => {
        const id = call.parameters["account"];
        if (id !== undefined && id !== account.id) throw new Refusal(403, 9109, "Unauthorized to access requested resource"); // prettier-ignore
        const allowed = (permission: Permission, resource: string) =>
          may(account, token, permission, resource);
        if (needs !== undefined && !allowed(needs[0], needs[1](account, call.parameters["id"])))
          throw new Refusal(403, 10000, "Authentication error");
        return reply({ ...call, account, token, may: allowed, change: (work) => store.change(work) });
      },
    ]);
    const handler = route(Object.fromEntries(handlers) as Parameters<typeof route>[0], request);
    if (handler === undefined)
      throw new Refusal(501, 7000, `not simulated: ${request.method} ${request.path}`);
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

/** The networks the edge asks origins from. */
function edgeRanges(edge: readonly string[]) {
  return {
    ipv4_cidrs: edge.filter((address) => !address.includes(":")).map((address) => `${address}/32`),
    ipv6_cidrs: edge.filter((address) => address.includes(":")).map((address) => `${address}/128`),
    etag: "38f79d050aa027e3be3865e495dcc9bc",
  };
}

function authenticate(account: Account, { authorization, path }: Request, now: number): Token {
  const [, value] = /^Bearer ([A-Za-z0-9_-]{40,})$/.exec(authorization) ?? [];
  if (value === undefined) throw new Refusal(400, 6003, "Invalid request headers");
  const token = account.tokens.find((one) => one.value === value);
  if (token === undefined || !isValid(token, now)) {
    throw path.includes("/tokens/verify")
      ? new Refusal(401, 1000, "Invalid API Token")
      : new Refusal(403, 9109, "Invalid access token");
  }
  return token;
}
