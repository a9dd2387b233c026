import { z } from "zod";
import type { InboundRule } from "../firewall.ts";
import type { Machines } from "../machines.ts";
import type { Handler } from "../route.ts";
import type { Store } from "../store.ts";
import { begin, newId, showAction } from "./actions.ts";
import { notFound, page, Refusal, selected, taken } from "./answer.ts";
import { LabelsSchema, parseBody } from "./body.ts";
import type { Firewall, Project } from "./state.ts";

const RuleSchema = z
  .strictObject({
    direction: z.enum(["in", "out"]),
    protocol: z.enum(["tcp", "udp", "icmp", "esp", "gre"]),
    port: z
      .string()
      .regex(/^(any|\d{1,5}(-\d{1,5})?)$/)
      .nullable()
      .default(null),
    source_ips: z.array(z.string()).max(100).default([]),
    destination_ips: z.array(z.string()).max(100).default([]),
    description: z.string().max(255).nullable().default(null),
  })
  .refine(({ protocol, port }) => (protocol === "tcp" || protocol === "udp") === (port !== null), {
    path: ["port"],
    error: "is needed for tcp and udp, and for no other protocol",
  })
  .refine(({ direction, source_ips }) => direction === "out" || source_ips.length > 0, {
    path: ["source_ips"],
    error: "must not be empty",
  });
const RulesSchema = z.array(RuleSchema).max(50);
const ResourceSchema = z.array(
  z.strictObject({ type: z.literal("server"), server: z.strictObject({ id: z.int() }) }),
);
const CreateSchema = z.strictObject({
  name: z.string().min(1),
  labels: LabelsSchema.default({}),
  rules: RulesSchema.default([]),
  apply_to: ResourceSchema.default([]),
});
const UpdateSchema = z.strictObject({ name: z.string().min(1).optional(), labels: LabelsSchema.optional() });

export function firewallRoutes(store: Store<Project>, machines: Machines): Record<string, Handler> {
  /** Changes which servers a firewall is for, or what it lets in. */
  const act = async (
    id: string | undefined,
    command: string,
    change: (project: Project, firewall: Firewall) => void,
  ) => {
    const actions = store.change((project) => {
      const firewall = find(project, id);
      change(project, firewall);
      return [begin(project, command, [{ id: firewall.id, type: "firewall" }])];
    });
    await enforce(store.read(), machines);
    return { status: 201, body: { actions: actions.map(showAction) } };
  };
  return {
    "GET /v1/firewalls": ({ query }) => {
      const project = store.read();
      const all = selected(project.firewalls, query);
      return page("firewalls", all.map((firewall) => show(project, firewall)), query); // prettier-ignore
    },
    "GET /v1/firewalls/{id}": ({ parameters }) => {
      const project = store.read();
      return { status: 200, body: { firewall: show(project, find(project, parameters["id"])) } };
    },
    "POST /v1/firewalls": async ({ body }) => {
      const { name, labels, rules, apply_to } = parseBody(CreateSchema, body);
      const reply = store.change((project) => {
        if (project.firewalls.some((one) => one.name === name)) throw taken("firewall name");
        const firewall = { id: newId(project), name, labels, rules, created: new Date().toISOString() };
        project.firewalls.push(firewall);
        for (const { server } of apply_to) serverOf(project, server.id).firewalls.push(firewall.id);
        const actions = [begin(project, "set_firewall_rules", [{ id: firewall.id, type: "firewall" }])];
        return { status: 201, body: { firewall: show(project, firewall), actions: actions.map(showAction) } };
      });
      await enforce(store.read(), machines);
      return reply;
    },
    "PUT /v1/firewalls/{id}": ({ parameters, body }) =>
      store.change((project) => {
        const firewall = find(project, parameters["id"]);
        const { name, labels } = parseBody(UpdateSchema, body);
        Object.assign(firewall, name === undefined ? {} : { name }, labels === undefined ? {} : { labels });
        return { status: 200, body: { firewall: show(project, firewall) } };
      }),
    "DELETE /v1/firewalls/{id}": ({ parameters }) =>
      store.change((project) => {
        const firewall = find(project, parameters["id"]);
        if (project.servers.some(({ firewalls }) => firewalls.includes(firewall.id)))
          throw new Refusal(422, "resource_in_use", `firewall with ID ${firewall.id} is still in use`);
        project.firewalls = project.firewalls.filter((other) => other !== firewall);
        return { status: 204, body: undefined };
      }),
    "POST /v1/firewalls/{id}/actions/set_rules": ({ parameters, body }) => {
      const { rules } = parseBody(z.strictObject({ rules: RulesSchema }), body);
      return act(parameters["id"], "set_firewall_rules", (_project, firewall) => {
        firewall.rules = rules;
      });
    },
    "POST /v1/firewalls/{id}/actions/apply_to_resources": ({ parameters, body }) => {
      const { apply_to } = parseBody(z.strictObject({ apply_to: ResourceSchema }), body);
      return act(parameters["id"], "apply_firewall", (project, firewall) => {
        for (const { server } of apply_to) {
          const { firewalls } = serverOf(project, server.id);
          if (firewalls.includes(firewall.id))
            throw new Refusal(409, "firewall_already_applied", "firewall is already applied to the server");
          firewalls.push(firewall.id);
        }
      });
    },
    "POST /v1/firewalls/{id}/actions/remove_from_resources": ({ parameters, body }) => {
      const { remove_from } = parseBody(z.strictObject({ remove_from: ResourceSchema }), body);
      return act(parameters["id"], "remove_firewall", (project, firewall) => {
        for (const { server } of remove_from) {
          const one = serverOf(project, server.id);
          one.firewalls = one.firewalls.filter((id) => id !== firewall.id);
        }
      });
    },
  };
}

/** What the firewalls of each server let in; a server with none is open. */
export async function enforce({ servers, firewalls }: Project, machines: Machines): Promise<void> {
  for (const server of servers) {
    const own = firewalls.filter(({ id }) => server.firewalls.includes(id));
    await machines.setInbound(server.host, own.length === 0 ? undefined : own.flatMap(inboundOf));
  }
}

function inboundOf({ rules }: Firewall): InboundRule[] {
  return rules.flatMap(({ direction, protocol, port, source_ips }): InboundRule[] =>
    direction === "in" && protocol !== "esp" && protocol !== "gre"
      ? [{ protocol, port: port === "any" ? undefined : (port ?? undefined), from: source_ips }]
      : [],
  );
}

function find(project: Project, id: string | undefined): Firewall {
  const firewall = project.firewalls.find((one) => String(one.id) === id);
  if (firewall === undefined) throw notFound("firewall");
  return firewall;
}

function serverOf(project: Project, id: number): Project["servers"][number] {
  const server = project.servers.find((one) => one.id === id);
  if (server === undefined)
    throw new Refusal(404, "firewall_resource_not_found", `server with ID ${id} not found`);
  return server;
}

function show(project: Project, firewall: Firewall) {
  const applied_to = project.servers
    .filter(({ firewalls }) => firewalls.includes(firewall.id))
    .map(({ id }) => ({ type: "server", server: { id } }));
  return { ...firewall, applied_to };
}
