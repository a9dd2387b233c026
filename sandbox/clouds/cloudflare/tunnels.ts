import { randomUUID } from "node:crypto";
import { z } from "zod";
import { letters } from "../credentials.ts";
import { ok, page, parseBody, Refusal } from "./answer.ts";
import type { Answer, Routes } from "./api.ts";
import { accountResource } from "./permissions.ts";
import type { Account, Tunnel } from "./state.ts";

const PATH = "/client/v4/accounts/{account}/cfd_tunnel";
const TunnelSchema = z.object({
  name: z.string().min(1),
  config_src: z.enum(["local", "cloudflare"]).default("local"),
  tunnel_secret: z.string().optional(),
});
const ConfigSchema = z.object({ config: z.unknown() }).loose();

const write = (answer: Answer): Routes[string] => ({
  needs: ["Cloudflare Tunnel Write", accountResource],
  answer,
});
const read = (answer: Answer): Routes[string] => ({
  needs: ["Cloudflare Tunnel Read", accountResource],
  answer,
});

/** https://developers.cloudflare.com/api/resources/zero_trust/subresources/tunnels/ */
export const tunnelRoutes: Routes = {
  [`GET ${PATH}`]: read(({ account, query }) =>
    page(
      account.tunnels
        .filter(({ name }) => [null, name].includes(query.get("name")))
        .map((one) => show(account, one)),
      query,
    ),
  ),
  [`POST ${PATH}`]: write(({ change, body }) =>
    change((account) => {
      const { name, config_src } = parseBody(TunnelSchema, body);
      if (account.tunnels.some((tunnel) => tunnel.name === name))
        throw new Refusal(409, 1013, "You already have a tunnel with this name.");
      const created_at = new Date().toISOString();
      const tunnel = { id: randomUUID(), name, config_src, created_at, secret: letters(32), config: null };
      account.tunnels.push(tunnel);
      return ok(show(account, tunnel));
    }),
  ),
  [`GET ${PATH}/{id}`]: read(({ account, parameters }) => ok(show(account, find(account, parameters["id"])))),
  [`PATCH ${PATH}/{id}`]: write(({ change, parameters, body }) =>
    change((account) => {
      const tunnel = find(account, parameters["id"]);
      tunnel.name = parseBody(TunnelSchema.partial(), body).name ?? tunnel.name;
      return ok(show(account, tunnel));
    }),
  ),
  [`DELETE ${PATH}/{id}`]: write(({ change, parameters }) =>
    change((account) => {
      const tunnel = find(account, parameters["id"]);
      account.tunnels = account.tunnels.filter((one) => one !== tunnel);
      return ok({ ...show(account, tunnel), deleted_at: new Date().toISOString() });
    }),
  ),
  [`GET ${PATH}/{id}/configurations`]: read(({ account, parameters }) => {
    const { id, config } = find(account, parameters["id"]);
    return ok({ tunnel_id: id, account_id: account.id, version: 1, config, source: "cloudflare" });
  }),
  [`PUT ${PATH}/{id}/configurations`]: write(({ change, parameters, body }) =>
    change((account) => {
      const tunnel = find(account, parameters["id"]);
      tunnel.config = parseBody(ConfigSchema, body).config;
      return ok({ tunnel_id: tunnel.id, account_id: account.id, version: 1, config: tunnel.config, source: "cloudflare" }); // prettier-ignore
    }),
  ),
  [`GET ${PATH}/{id}/token`]: write(({ account, parameters }) => {
    const { id, secret } = find(account, parameters["id"]);
    return ok(Buffer.from(JSON.stringify({ a: account.id, t: id, s: secret })).toString("base64"));
  }),
};

function find(account: Account, id: string | undefined): Tunnel {
  const tunnel = account.tunnels.find((one) => one.id === id);
  if (tunnel === undefined) throw new Refusal(404, 1003, "Tunnel not found");
  return tunnel;
}

const show = (account: Account, { id, name, config_src, created_at }: Tunnel) => ({
  id,
  name,
  config_src,
  created_at,
  deleted_at: null,
  account_tag: account.id,
  connections: [],
  remote_config: config_src === "cloudflare",
  status: "inactive",
  tun_type: "cfd_tunnel",
  metadata: {},
});
