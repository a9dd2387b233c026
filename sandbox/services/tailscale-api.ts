import { randomUUID } from "node:crypto";
import { z } from "zod";
import type { Headscale, HeadscaleNode } from "./headscale.ts";

/** What a request is answered with. */
export interface Reply {
  status: number;
  body: unknown;
}

export interface Request {
  method: string;
  path: string;
  authorization: string;
  body: string;
}

export interface OauthClient {
  id: string;
  secret: string;
  /** The tags the client owns: it can mint keys for these only. */
  tags: readonly string[];
}

/** https://tailscale.com/api#tag/keys/POST/tailnet/{tailnet}/keys */
const KeyRequestSchema = z.object({
  capabilities: z.object({
    devices: z.object({
      create: z.object({
        reusable: z.boolean().default(false),
        ephemeral: z.boolean().default(false),
        preauthorized: z.boolean().default(false),
        tags: z.array(z.string()).default([]),
      }),
    }),
  }),
  expirySeconds: z.number().int().positive().max(7_776_000).default(7_776_000),
  description: z.string().max(50).optional(),
});

const TOKEN_SECONDS = 3600;

/**
 * Stand-in for https://api.tailscale.com/api/v2: the calls the product makes, mapped onto headscale, as strict as
 * Tailscale's. Any other call answers 501.
 */
export function tailscaleApi(headscale: Headscale, client: OauthClient): (request: Request) => Promise<Reply> {
  const tokens = new Map<string, number>();
  const authorized = ({ authorization }: Request): boolean =>
    (tokens.get(authorization.replace(/^Bearer /, "")) ?? 0) > Date.now();

  return async (request) => {
    const route = `${request.method} ${request.path.replace(/^\/api\/v2/, "").split("?")[0]}`;
    if (route === "POST /oauth/token") return token(request);
    if (!authorized(request)) return refuse(401, "API token invalid");
    if (/^POST \/tailnet\/[^/]+\/keys$/.test(route)) return mint(request);
    if (/^GET \/tailnet\/[^/]+\/devices$/.test(route)) {
      return { status: 200, body: { devices: (await headscale.nodes()).map(device) } };
    }
    const deletion = /^DELETE \/device\/(\d+)$/.exec(route);
    if (deletion !== null) return remove(deletion[1] ?? "");
    return refuse(501, `not answered by the sandbox: ${route}`);
  };

  function token({ body, authorization }: Request): Reply {
    const form = new URLSearchParams(body);
    const [basicId, basicSecret] = Buffer.from(authorization.replace(/^Basic /, ""), "base64").toString().split(":");
    const id = form.get("client_id") ?? basicId;
    const secret = form.get("client_secret") ?? basicSecret;
    if (id !== client.id || secret !== client.secret) return refuse(401, "API token invalid");
    const value = `tskey-api-${randomUUID()}`;
    tokens.set(value, Date.now() + TOKEN_SECONDS * 1000);
    return {
      status: 200,
      body: { access_token: value, token_type: "Bearer", expires_in: TOKEN_SECONDS, scope: "auth_keys devices:core" },
    };
  }

  async function mint({ body }: Request): Promise<Reply> {
    const parsed = KeyRequestSchema.safeParse(parseJson(body));
    if (!parsed.success) return refuse(400, `invalid request body: ${z.prettifyError(parsed.error)}`);
    const { capabilities, expirySeconds } = parsed.data;
    const { tags, reusable, ephemeral } = capabilities.devices.create;
    if (tags.length === 0) return refuse(400, "tailnet-owned auth key must have tags set");
    const foreign = tags.filter((tag) => !client.tags.includes(tag));
    if (foreign.length > 0) return refuse(400, `requested tags [${foreign.join(" ")}] are invalid or not permitted`);
    const key = await headscale.createKey({ tags, reusable, ephemeral, seconds: expirySeconds });
    const created = new Date();
    return {
      status: 200,
      body: {
        id: key.id,
        key: key.key,
        created: created.toISOString(),
        expires: new Date(created.getTime() + expirySeconds * 1000).toISOString(),
        capabilities,
      },
    };
  }

  async function remove(id: string): Promise<Reply> {
    const known = (await headscale.nodes()).some((node) => String(node.id) === id);
    if (!known) return refuse(404, "no manageable device matching this ID found");
    await headscale.deleteNode(id);
    return { status: 200, body: null };
  }
}

function device(node: HeadscaleNode): Record<string, unknown> {
  return {
    id: String(node.id),
    nodeId: String(node.id),
    hostname: node.name,
    name: `${node.given_name}.sandbox.ts.net`,
    addresses: node.ip_addresses,
    tags: [...new Set([...(node.forced_tags ?? []), ...(node.valid_tags ?? [])])],
    lastSeen: new Date((node.last_seen?.seconds ?? 0) * 1000).toISOString(),
    keyExpiryDisabled: true,
  };
}

function refuse(status: number, message: string): Reply {
  return { status, body: { message } };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
