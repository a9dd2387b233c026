import { z } from "zod";
import type { Machines } from "../machines.ts";
import type { Handler } from "../route.ts";
import type { Store } from "../store.ts";
import { begin, newId, showAction } from "./actions.ts";
import { invalid, notFound, page, Refusal, selected, taken } from "./answer.ts";
import { LabelsSchema, parseBody } from "./body.ts";
import { IMAGES, LOCATIONS, serverTypes } from "./catalogue.ts";
import { enforce } from "./firewalls.ts";
import type { Project, Server } from "./state.ts";

const IdOrName = z.union([z.string(), z.int()]).transform(String);
const CreateSchema = z.strictObject({
  name: z.string().regex(/^[A-Za-z0-9]([A-Za-z0-9.-]{0,61}[A-Za-z0-9])?$/),
  server_type: IdOrName,
  image: IdOrName,
  location: IdOrName.optional(),
  ssh_keys: z.array(IdOrName).default([]),
  user_data: z.string().max(32_768).default(""),
  start_after_create: z.boolean().default(true),
  labels: LabelsSchema.default({}),
  firewalls: z.array(z.strictObject({ firewall: z.int() })).default([]),
  automount: z.boolean().optional(),
  volumes: z.array(z.int()).max(0).default([]),
  networks: z.array(z.int()).max(0).default([]),
  public_net: z
    .strictObject({ enable_ipv4: z.literal(true), enable_ipv6: z.literal(true) })
    .prefault({ enable_ipv4: true, enable_ipv6: true }),
});
const UpdateSchema = z.strictObject({ name: z.string().min(1).optional(), labels: LabelsSchema.optional() });
const ProtectionSchema = z.strictObject({ delete: z.boolean().optional(), rebuild: z.boolean().optional() });

/** A server says "initializing" for so long, in milliseconds. */
const INITIALIZING = 400;

export function serverRoutes(store: Store<Project>, machines: Machines): Record<string, Handler> {
  const show = (server: Server) => shape(server, store.read(), machines);
  const act = async (id: string | undefined, command: string, work: (server: Server) => Promise<void>) => {
    await work(find(store.read(), id));
    const action = store.change((project) => begin(project, command, [{ id: Number(id), type: "server" }]));
    return { status: 201, body: { action: showAction(action) } };
  };
  const power = (on: boolean) => async (server: Server) => {
    await (on ? machines.powerOn(server.host) : machines.powerOff(server.host));
    store.change((project) => {
      find(project, String(server.id)).on = on;
    });
  };
  const restart = async (server: Server) => {
    await machines.powerOff(server.host);
    await machines.powerOn(server.host);
  };
  const POWER: Record<string, (server: Server) => Promise<void>> = {
    poweron: power(true),
    poweroff: power(false),
    shutdown: power(false),
    reset: restart,
    reboot: restart,
  };
  return {
    "GET /v1/servers": ({ query }) => page("servers", selected(store.read().servers, query).map(show), query),
    "GET /v1/servers/{id}": ({ parameters }) => ({
      status: 200,
      body: { server: show(find(store.read(), parameters["id"])) },
    }),
    "POST /v1/servers": ({ body }) => create(store, machines, parseBody(CreateSchema, body)),
    "PUT /v1/servers/{id}": ({ parameters, body }) =>
      store.change((project) => {
        const server = find(project, parameters["id"]);
        const { name, labels } = parseBody(UpdateSchema, body);
        Object.assign(server, name === undefined ? {} : { name }, labels === undefined ? {} : { labels });
        return { status: 200, body: { server: shape(server, project, machines) } };
      }),
    "DELETE /v1/servers/{id}": async ({ parameters }) => {
      const server = find(store.read(), parameters["id"]);
      if (server.protection.delete) throw new Refusal(423, "protected", "server deletion is protected");
      await machines.delete(server.host);
      const action = store.change((project) => {
        project.servers = project.servers.filter(({ id }) => id !== server.id);
        return begin(project, "delete_server", [{ id: server.id, type: "server" }]);
      });
      return { status: 200, body: { action: showAction(action) } };
    },
    ...Object.fromEntries(
      Object.entries(POWER).map(([command, work]): [string, Handler] => [
        `POST /v1/servers/{id}/actions/${command}`,
        ({ parameters }) => act(parameters["id"], `${command}_server`, work),
      ]),
    ),
    "POST /v1/servers/{id}/actions/change_protection": ({ parameters, body }) => {
      const protection = parseBody(ProtectionSchema, body);
      return act(parameters["id"], "change_protection", async ({ id }) => {
        store.change((project) => Object.assign(find(project, String(id)).protection, protection));
      });
    },
  };
}

async function create(store: Store<Project>, machines: Machines, request: z.output<typeof CreateSchema>) {
  const project = store.read();
  const { type, image, location } = choose(project, request);
  if (project.servers.some(({ name }) => name === request.name)) throw taken("server name");
  if (project.servers.length >= project.serverLimit)
    throw new Refusal(403, "resource_limit_exceeded", "server limit exceeded", {
      limits: [{ name: "server_limit" }],
    });
  const keys = request.ssh_keys.map((wanted) => {
    const key = project.sshKeys.find(({ id, name }) => String(id) === wanted || name === wanted);
    if (key === undefined) throw notFound("SSH key");
    return key.public_key;
  });
  for (const { firewall } of request.firewalls)
    if (!project.firewalls.some(({ id }) => id === firewall)) throw notFound("firewall");

  const machine = await machines.create({
    name: request.name,
    provider: "hetzner",
    userData: request.user_data,
    authorizedKeys: keys,
  });
  if (!request.start_after_create) await machines.powerOff(machine.host);
  const reply = store.change((state) => {
    const server: Server = {
      id: newId(state),
      name: request.name,
      labels: request.labels,
      created: new Date().toISOString(),
      type,
      location,
      image,
      protection: { delete: false, rebuild: false },
      firewalls: request.firewalls.map(({ firewall }) => firewall),
      addressIds: [newId(state), newId(state)],
      host: machine.host,
      ipv4: machine.ipv4,
      ipv6: machine.ipv6,
      on: request.start_after_create,
      startedAt: Date.now(),
    };
    state.servers.push(server);
    const resources = [{ id: server.id, type: "server" }];
    const action = showAction(begin(state, "create_server", resources));
    const next_actions = request.start_after_create
      ? [showAction(begin(state, "start_server", resources))]
      : [];
    const root_password = keys.length === 0 ? "not-given-in-the-sandbox" : null;
    return {
      status: 201,
      body: { server: shape(server, state, machines), action, next_actions, root_password },
    };
  });
  await enforce(store.read(), machines);
  return reply;
}

const named = (wanted: string) => (one: { id: number; name: string }) =>
  String(one.id) === wanted || one.name === wanted;

function choose(project: Project, request: z.output<typeof CreateSchema>) {
  const type = serverTypes(project.soldOut).find(named(request.server_type));
  if (type === undefined) throw invalid("server_type", "server type not found");
  const location = LOCATIONS.find(named(request.location ?? type.locations[0]?.name ?? ""));
  if (location === undefined) throw invalid("location", "location not found");
  const place = type.locations.find(({ name }) => name === location.name);
  if (place === undefined) throw invalid("server_type", `unsupported location for server type ${type.name}`);
  if (!place.available)
    throw new Refusal(412, "resource_unavailable", "the requested resource is currently unavailable");
  const image = IMAGES.find((one) => named(request.image)(one) && one.architecture === type.architecture);
  if (image === undefined) throw invalid("image", "image not found for the server type's architecture");
  return { type: type.name, image: String(image.id), location: location.name };
}

function find(project: Project, id: string | undefined): Server {
  const server = project.servers.find((one) => String(one.id) === id);
  if (server === undefined) throw notFound("server");
  return server;
}

function shape(server: Server, { soldOut }: Project, machines: Machines) {
  const initializing = Date.now() < server.startedAt + INITIALIZING;
  const status = initializing ? "initializing" : machines.isRunning(server.host) ? "running" : "off";
  const [ipv4Id, ipv6Id] = server.addressIds;
  const { id, name, labels, created, protection } = server;
  return {
    id,
    name,
    labels,
    created,
    protection,
    status,
    public_net: {
      ipv4: { id: ipv4Id, ip: server.ipv4, blocked: false, dns_ptr: `static.${server.ipv4}.example` },
      // Each server has a /64 and answers at its first address.
      ipv6: { id: ipv6Id, ip: server.ipv6.replace(/::1$/, "::/64"), blocked: false, dns_ptr: [] },
      floating_ips: [],
      firewalls: server.firewalls.map((firewall) => ({ id: firewall, status: "applied" })),
    },
    private_net: [],
    server_type: serverTypes(soldOut).find((type) => type.name === server.type),
    location: LOCATIONS.find((location) => location.name === server.location),
    image: IMAGES.find((image) => String(image.id) === server.image),
    included_traffic: 20 * 2 ** 40,
    outgoing_traffic: 0,
    ingoing_traffic: 0,
    backup_window: null,
    rescue_enabled: false,
    iso: null,
    locked: false,
    volumes: [],
    primary_disk_size: 80,
    placement_group: null,
    load_balancers: [],
  };
}
