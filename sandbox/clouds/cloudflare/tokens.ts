import { z } from "zod";
import { hex, letters } from "../credentials.ts";
import { ok, page, parseBody, Refusal } from "./answer.ts";
import type { Answer, Routes } from "./api.ts";
import { accountResource, PERMISSION_GROUPS } from "./permissions.ts";
import type { Account, Token } from "./state.ts";

const PATH = "/client/v4/accounts/{account}/tokens";
const TokenSchema = z.object({
  name: z.string().min(1).max(120),
  expires_on: z.string().nullable().default(null),
  status: z.enum(["active", "disabled", "expired"]).default("active"),
  policies: z
    .array(
      z.object({
        effect: z.enum(["allow", "deny"]),
        permission_groups: z.array(z.object({ id: z.string() })).min(1),
        resources: z.record(z.string(), z.unknown()),
      }),
    )
    .min(1),
});

const write = (answer: Answer): Routes[string] => ({
  needs: ["Account API Tokens Write", accountResource],
  answer,
});
const read = (answer: Answer): Routes[string] => ({
  needs: ["Account API Tokens Read", accountResource],
  answer,
});

const verify: Routes[string] = {
  needs: undefined,
  answer: ({ token }) =>
    ok(
      { id: token.id, status: token.status, expires_on: token.expires_on ?? undefined },
      { messages: [{ code: 10000, message: "This API Token is valid and active", type: null }] },
    ),
};

/** https://developers.cloudflare.com/api/resources/accounts/subresources/tokens/ */
export const tokenRoutes: Routes = {
  "GET /client/v4/user/tokens/verify": verify,
  [`GET ${PATH}/verify`]: verify,
  [`GET ${PATH}/permission_groups`]: read(({ query }) => {
    const wanted = [query.get("name")].flatMap((name) =>
      name === null ? [] : [name, decodeURIComponent(name)],
    );
    return ok(PERMISSION_GROUPS.filter(({ name }) => wanted.length === 0 || wanted.includes(name)));
  }),
  [`GET ${PATH}`]: read(({ account, query }) => page(account.tokens.map(show), query)),
  [`POST ${PATH}`]: write(({ change, body }) =>
    change((account) => {
      const asked = check(parseBody(TokenSchema, body));
      const now = new Date().toISOString();
      const token: Token = {
        ...asked,
        id: hex(32),
        value: letters(40),
        policies: asked.policies.map((policy) => ({ ...policy, id: hex(32) })),
        issued_on: now,
        modified_on: now,
      };
      account.tokens.push(token);
      return ok({ ...show(token), value: token.value });
    }),
  ),
  [`GET ${PATH}/{id}`]: read(({ account, parameters }) => ok(show(find(account, parameters["id"])))),
  [`PUT ${PATH}/{id}`]: write(({ change, parameters, body }) =>
    change((account) => {
      const token = find(account, parameters["id"]);
      const asked = check(parseBody(TokenSchema, body));
      const policies = asked.policies.map((policy) => ({ ...policy, id: hex(32) }));
      Object.assign(token, asked, { policies, modified_on: new Date().toISOString() });
      return ok(show(token));
    }),
  ),
  // What it was is no longer good.
  [`PUT ${PATH}/{id}/value`]: write(({ change, parameters }) =>
    change((account) => {
      const token = find(account, parameters["id"]);
      Object.assign(token, { value: letters(40), modified_on: new Date().toISOString() });
      return ok(token.value);
    }),
  ),
  [`DELETE ${PATH}/{id}`]: write(({ change, parameters }) =>
    change((account) => {
      const token = find(account, parameters["id"]);
      account.tokens = account.tokens.filter((one) => one !== token);
      return ok({ id: token.id });
    }),
  ),
};

function check(asked: z.output<typeof TokenSchema>): z.output<typeof TokenSchema> {
  const known = new Set(PERMISSION_GROUPS.map(({ id }) => id));
  const unknown = asked.policies
    .flatMap(({ permission_groups }) => permission_groups)
    .find(({ id }) => !known.has(id));
  if (unknown !== undefined) throw new Refusal(400, 1001, `permission group ${unknown.id} is unknown`);
  return asked;
}

function find(account: Account, id: string | undefined): Token {
  const token = account.tokens.find((one) => one.id === id);
  if (token === undefined) throw new Refusal(404, 1003, "Token not found");
  return token;
}

/** The value is told once, when the token is made. */
function show(token: Token) {
  const named = token.policies.map((policy) => ({
    ...policy,
    permission_groups: policy.permission_groups.map(({ id }) =>
      PERMISSION_GROUPS.find((group) => group.id === id),
    ),
  }));
  return { ...token, value: undefined, s3Secret: undefined, policies: named };
}
