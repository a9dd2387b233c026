import { z } from "zod";
import type { ClusterModel } from "../../config/model.ts";
import { UserError } from "../../output/errors.ts";
import type { Secrets } from "../secrets/envrc.ts";

/** https://tailscale.com/api */
const API = "https://api.tailscale.com/api/v2";

const DevicesSchema = z.object({
  devices: z.array(z.object({ id: z.string(), hostname: z.string(), tags: z.array(z.string()).optional() })),
});

interface Device {
  id: string;
  hostname: string;
  tags: string[];
}

/** The tailnet's devices as this OAuth client sees them. */
async function listDevices(secrets: Secrets, tailnet: string): Promise<Device[]> {
  const response = await call(await token(secrets), "GET", `/tailnet/${encodeURIComponent(tailnet)}/devices`);
  return DevicesSchema.parse(await response.json()).devices.map((device) => ({
    ...device,
    tags: device.tags ?? [],
  }));
}

/** The cluster's devices that are no node's: their names begin with the cluster's. */
export async function strayDevices(
  secrets: Secrets,
  { name, mesh, nodes }: Pick<ClusterModel, "name" | "mesh" | "nodes">,
): Promise<{ id: string; hostname: string }[]> {
  const names = new Set(nodes.map(({ meshName }) => meshName));
  return (await listDevices(secrets, mesh.tailnet)).filter(
    ({ hostname, tags }) =>
      tags.includes(mesh.tag) && hostname.startsWith(`${name}-`) && !names.has(hostname),
  );
}

/** Removes the devices of these names that carry the cluster's tag, too: only they are ours. Returns how many. */
export async function removeDevices(
  secrets: Secrets,
  { tailnet, tag }: ClusterModel["mesh"],
  names: readonly string[],
): Promise<number> {
  const ours = (await listDevices(secrets, tailnet)).filter(
    (device) => names.includes(device.hostname) && device.tags.includes(tag),
  );
  await deleteDevices(secrets, ours);
  return ours.length;
}

/** How long a minted key may be used. */
export const KEY_SECONDS = 600;

/** A one-off, tagged, non-ephemeral key, as the role `tailscale` mints them: https://tailscale.com/api#tag/keys */
export async function mintKey(secrets: Secrets, { tailnet, tag }: ClusterModel["mesh"]): Promise<string> {
  const create = { reusable: false, ephemeral: false, preauthorized: true, tags: [tag] };
  const body = {
    description: "infra-k3s",
    expirySeconds: KEY_SECONDS,
    capabilities: { devices: { create } },
  };
  const path = `/tailnet/${encodeURIComponent(tailnet)}/keys`;
  const response = await call(await token(secrets), "POST", path, { body: JSON.stringify(body) });
  return z.object({ key: z.string() }).parse(await response.json()).key;
}

/** Removes devices; one that is already gone is fine. */
async function deleteDevices(secrets: Secrets, devices: readonly Device[]): Promise<void> {
  if (devices.length === 0) return;
  const bearer = await token(secrets);
  await Promise.all(devices.map((device) => call(bearer, "DELETE", `/device/${device.id}`, { fine: [404] })));
}

/** What the OAuth client may; empty where Tailscale does not say. */
export async function grantedScopes(secrets: Secrets): Promise<string[]> {
  return ((await authorized(secrets)).scope ?? "").split(" ").filter(Boolean);
}

const token = async (secrets: Secrets): Promise<string> => (await authorized(secrets)).access_token;

const Authorized = z.object({ access_token: z.string(), scope: z.string().optional() });

async function authorized(secrets: Secrets): Promise<z.output<typeof Authorized>> {
  const { TAILSCALE_OAUTH_CLIENT_ID: id, TAILSCALE_OAUTH_CLIENT_SECRET: secret } = secrets;
  if (id === undefined || secret === undefined) {
    throw new UserError({
      what: "no Tailscale OAuth client",
      fix: "make one at https://login.tailscale.com/admin/settings/oauth and put TAILSCALE_OAUTH_CLIENT_ID and TAILSCALE_OAUTH_CLIENT_SECRET into .envrc.local",
    });
  }
  const response = await send("/oauth/token", {
    method: "POST",
    body: new URLSearchParams({ client_id: id, client_secret: secret }),
  });
  if (response.ok) return Authorized.parse(await response.json());
  throw new UserError({
    what: "Tailscale does not accept the OAuth client",
    why: `${API}/oauth/token answered ${response.status}: ${await response.text()}`,
    fix: "check TAILSCALE_OAUTH_CLIENT_ID and TAILSCALE_OAUTH_CLIENT_SECRET in .envrc.local",
  });
}

async function call(
  bearer: string,
  method: string,
  path: string,
  { fine = [], body }: { fine?: readonly number[]; body?: string } = {},
): Promise<Response> {
  const headers = { authorization: `Bearer ${bearer}`, "content-type": "application/json" };
  const response = await send(path, { method, headers, ...(body === undefined ? {} : { body }) });
  if (response.ok || fine.includes(response.status)) return response;
  throw new UserError({
    what: `Tailscale's API refused ${method} ${path}`,
    why: `it answered ${response.status}: ${await response.text()}`,
    fix: "the OAuth client needs the scopes auth_keys and devices:core, and must own the cluster's tag",
  });
}

async function send(path: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(`${API}${path}`, { ...init, signal: AbortSignal.timeout(30_000) });
  } catch (error) {
    const cause =
      error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error);
    throw new UserError({ what: "Tailscale's API can't be reached", why: cause, fix: "check the network" });
  }
}
