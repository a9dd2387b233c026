import { join } from "node:path";
import { credentialsStore } from "../credentials.ts";
import type { Machines } from "../machines.ts";
import { type Handler, route } from "../route.ts";
import { Store } from "../store.ts";
import type { Api, Reply, Request } from "../../services/api.ts";
import { actionRoutes } from "./actions.ts";
import { page, Refusal } from "./answer.ts";
import { IMAGES, LOCATIONS, PRICING, serverTypes } from "./catalogue.ts";
import { firewallRoutes } from "./firewalls.ts";
import { serverRoutes } from "./servers.ts";
import { sshKeyRoutes } from "./ssh-keys.ts";
import { EMPTY_PROJECT, type Project } from "./state.ts";

export const hetznerStore = (folder: string): Store<Project> =>
  new Store(join(folder, "hetzner.json"), EMPTY_PROJECT);

/** https://docs.hetzner.cloud/#rate-limiting */
const LIMIT = 3600;

/** Simulates https://api.hetzner.cloud/v1 for one project; `folder` is where it keeps what it knows. */
export function hetznerApi(folder: string, machines: Machines): Api {
  const project = hetznerStore(folder);
  const credentials = credentialsStore(join(folder, ".."));
  const routes: Record<string, Handler> = {
    ...catalogueRoutes(project),
    ...actionRoutes(project),
    ...sshKeyRoutes(project),
    ...firewallRoutes(project, machines),
    ...serverRoutes(project, machines),
  };
  let remaining = LIMIT;

  async function answer(request: Request): Promise<Reply> {
    const known = credentials.read().hetzner.find(({ token }) => request.authorization === `Bearer ${token}`);
    if (known === undefined) throw new Refusal(401, "unauthorized", "unable to authenticate");
    const handler = route(routes, request);
    if (handler === undefined) {
      throw new Refusal(501, "unsupported_error", `not simulated: ${request.method} ${request.path}`);
    }
    if (known.access === "read" && request.method !== "GET") {
      throw new Refusal(403, "forbidden", "insufficient permissions for this request");
    }
    return handler();
  }

  return async (request) => {
    remaining = Math.max(0, remaining - 1);
    const headers = {
      "RateLimit-Limit": String(LIMIT),
      "RateLimit-Remaining": String(remaining),
      "RateLimit-Reset": String(Math.ceil(Date.now() / 1000) + LIMIT - remaining),
    };
    try {
      const reply = await answer(request);
      return { ...reply, headers: { ...headers, ...reply.headers } };
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      return { ...error.reply, headers };
    }
  };
}

function catalogueRoutes(project: Store<Project>): Record<string, Handler> {
  const lists: Record<string, () => readonly { id: number; name: string }[]> = {
    locations: () => LOCATIONS,
    server_types: () => serverTypes(project.read().soldOut),
    images: () => IMAGES,
  };
  const routes = Object.entries(lists).map(([key, all]): [string, Handler] => [
    `GET /v1/${key}`,
    ({ query }) => {
      const found = all().filter((one) =>
        ["name", "architecture", "type"].every((field) => {
          const wanted = query.getAll(field);
          return wanted.length === 0 || wanted.includes(String((one as Record<string, unknown>)[field]));
        }),
      );
      return page(key, found, query);
    },
  ]);
  const one = Object.entries(lists).map(([key, all]): [string, Handler] => [
    `GET /v1/${key}/{id}`,
    ({ parameters }) => {
      const found = all().find(({ id }) => String(id) === parameters["id"]);
      if (found === undefined) throw new Refusal(404, "not_found", `${key} not found`);
      return { status: 200, body: { [key.replace(/s$/, "")]: found } };
    },
  ]);
  return {
    ...Object.fromEntries([...routes, ...one]),
    "GET /v1/pricing": () => {
      const server_types = serverTypes([]).map(({ id, name, prices }) => ({ id, name, prices }));
      return { status: 200, body: { pricing: { ...PRICING, server_types } } };
    },
    // Nothing of these is ever created here: an empty list is the truth.
    ...Object.fromEntries(
      ["volumes", "networks", "load_balancers", "floating_ips", "placement_groups"].map(
        (key): [string, Handler] => [`GET /v1/${key}`, ({ query }) => page(key, [], query)],
      ),
    ),
  };
}
