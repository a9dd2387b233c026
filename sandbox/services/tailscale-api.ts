import { randomUUID } from "node:crypto";
import { z } from "zod";
import type { Reply, Request as ApiRequest } from "./api.ts";
import type { Headscale, HeadscaleNode } from "./headscale.ts";

export interface OauthClient {
  id: string;
  secret: string;
  /** The tags the client has: its keys carry all of them, or tags that these own. */
  tags: readonly string[];
  scopes: readonly string[];
}

export interface Tailnet {
  /** Its DNS name. */
  name: string;
  /** Tag → the tags that own it, as in the policy file. */
  tagOwners: Readonly<Record<string, readonly string[]>>;
}

type Request = Pick<ApiRequest, "method" | "path" | "authorization" | "body">;

/** The part of headscale the API is mapped onto. */
export type Control = Pick<Headscale, "createKey" | "nodes" | "deleteNode">;

/** https://tailscale.com/api#tag/keys/POST/tailnet/{tailnet}/keys, without leniency: an unknown field is a fault of ours. */
const KeyRequestSchema = z.strictObject({
  capabilities: z.strictObject({
    devices: z.strictObject({
      create: z
        .strictObject({
          reusable: z.boolean().default(false),
          ephemeral: z.boolean().default(false),
          preauthorized: z.boolean().default(false),
          tags: z.array(z.string()).default([]),
        })
        .prefault({}),
    }),
  }),
  expirySeconds: z.number().int().positive().max(7_776_000).default(7_776_000),
  description: z.string().max(50).default(""),
});

const TOKEN_SECONDS = 3600;
const API = "/api/v2";

/**
 * Stand-in for https://api.tailscale.com/api/v2: the calls the product makes, mapped onto headscale, as strict as
 * Tailscale's and in its words. Any other call answers 501. README.md says which claim has which source.
 */
export function tailscaleApi(
  control: Control,
  client: OauthClient,
  tailnet: Tailnet,
): (request: Request) => Promise<Reply> {
  const tokens = new Map<string, number>();

  return async (request) => {
    const [path = "", query = ""] = request.path.split("?");
    if (!path.startsWith(`${API}/`)) return refuse(404, "404 page not found");
    const route = `${request.method} ${path.slice(API.length)}`;
    if (route === "POST /oauth/token") return token(request);
    if ((tokens.get(presentedToken(request.authorization)) ?? 0) <= Date.now()) {
      return refuse(401, "API token invalid");
    }
    const [, verb, name, thing] = /^(GET|POST) \/tailnet\/([^/]+)\/(keys|devices)$/.exec(route) ?? [];
    if (name !== undefined && name !== "-" && decodeURIComponent(name) !== tailnet.name) {
      return refuse(404, "tailnet not found");
    }
    if (verb === "POST" && thing === "keys") return allowed("auth_keys", () => mint(request.body));
    if (verb === "GET" && thing === "devices") return allowed("devices:core", () => list(query));
    const [, action, id] = /^(GET|DELETE) \/device\/([^/]+)$/.exec(route) ?? [];
    if (action !== undefined && id !== undefined) {
      return allowed("devices:core", () => (action === "GET" ? show(id, query) : remove(id)));
    }
    return refuse(501, `not answered by the sandbox: ${route}`);
  };

  function token({ body, authorization }: Request): Reply {
    const form = new URLSearchParams(body);
    const [basicId, basicSecret] = basic(authorization);
    const id = form.get("client_id") ?? basicId;
    const secret = form.get("client_secret") ?? basicSecret;
    if (id !== client.id || secret !== client.secret) return refuse(401, "API token invalid");
    if (form.has("scope") || form.has("tags")) {
      return refuse(501, "not answered by the sandbox: a token with fewer rights than its client");
    }
    const value = `tskey-api-${randomUUID()}`;
    tokens.set(value, Date.now() + TOKEN_SECONDS * 1000);
    const scope = client.scopes.join(" ");
    return ok({ access_token: value, token_type: "Bearer", expires_in: TOKEN_SECONDS, scope });
  }

  async function allowed(scope: string, work: () => Promise<Reply>): Promise<Reply> {
    if (client.scopes.includes(scope) || client.scopes.includes("all")) return work();
    return refuse(403, "calling actor does not have enough permissions to perform this function");
  }

  async function mint(body: string): Promise<Reply> {
    const parsed = KeyRequestSchema.safeParse(parseJson(body));
    if (!parsed.success) return refuse(400, `invalid request body: ${z.prettifyError(parsed.error)}`);
    const { capabilities, expirySeconds, description } = parsed.data;
    const { tags, reusable, ephemeral } = capabilities.devices.create;
    if (tags.length === 0) return refuse(400, "tailnet-owned auth key must have tags set");
    if (!mayCarry(tags))
      return refuse(400, `requested tags [${tags.join(" ")}] are invalid or not permitted`);
    const key = await control.createKey({ tags, reusable, ephemeral, seconds: expirySeconds });
    const created = new Date();
    return ok({
      id: `k${key.id}CNTRL`,
      key: key.key,
      created: seconds(created),
      expires: seconds(new Date(created.getTime() + expirySeconds * 1000)),
      capabilities,
      description,
    });
  }

  /** All of the client's own tags and no other, or tags that its tags own: a part of its own is refused. */
  function mayCarry(tags: readonly string[]): boolean {
    const asked = new Set(tags);
    const own = new Set(client.tags);
    if (asked.size === own.size && tags.every((tag) => own.has(tag))) return true;
    return tags.every((tag) => tailnet.tagOwners[tag]?.some((owner) => own.has(owner)) ?? false);
  }

  async function list(query: string): Promise<Reply> {
    const nodes = await control.nodes();
    return ok({ devices: nodes.map((node) => device(node, tailnet, wantsAll(query))) });
  }

  async function show(id: string, query: string): Promise<Reply> {
    const node = await find(id);
    return node === undefined ? missing() : ok(device(node, tailnet, wantsAll(query)));
  }

  async function remove(id: string): Promise<Reply> {
    const node = await find(id);
    if (node === undefined) return missing();
    await control.deleteNode(String(node.id));
    return ok(null);
  }

  async function find(id: string): Promise<HeadscaleNode | undefined> {
    return (await control.nodes()).find((node) => id === String(node.id) || id === nodeId(node));
  }
}

/** `id` is the older name of a device, `nodeId` the preferred one; both are taken in paths. */
function device(node: HeadscaleNode, tailnet: Tailnet, all: boolean): Record<string, unknown> {
  const tags = [...new Set([...(node.forced_tags ?? []), ...(node.valid_tags ?? [])])];
  return {
    id: String(node.id),
    nodeId: nodeId(node),
    hostname: node.name,
    name: `${node.given_name}.${tailnet.name}`,
    addresses: node.ip_addresses,
    user: "tagged-devices",
    authorized: true,
    isExternal: false,
    keyExpiryDisabled: true,
    created: seconds(new Date((node.created_at?.seconds ?? 0) * 1000)),
    lastSeen: seconds(new Date((node.last_seen?.seconds ?? 0) * 1000)),
    connectedToControl: node.online ?? false,
    ...(tags.length === 0 ? {} : { tags }),
    ...(all ? { enabledRoutes: [], advertisedRoutes: [] } : {}),
  };
}

function nodeId(node: HeadscaleNode): string {
  return `n${node.id}CNTRL`;
}

function wantsAll(query: string): boolean {
  return new URLSearchParams(query).get("fields") === "all";
}

/** As a bearer, or as the user of basic authentication with an empty password. */
function presentedToken(authorization: string): string {
  if (authorization.startsWith("Bearer ")) return authorization.slice("Bearer ".length);
  const [user = "", password] = basic(authorization);
  return password === "" ? user : "";
}

function basic(authorization: string): string[] {
  if (!authorization.startsWith("Basic ")) return [];
  return Buffer.from(authorization.slice("Basic ".length), "base64").toString().split(":");
}

function ok(body: unknown): Reply {
  return { status: 200, body };
}

function missing(): Reply {
  return refuse(404, "no manageable device matching this ID found");
}

function refuse(status: number, message: string): Reply {
  return { status, body: { message } };
}

/** RFC 3339 without fractions, as the API writes times. */
function seconds(time: Date): string {
  return time.toISOString().replace(/\.\d+Z$/, "Z");
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
