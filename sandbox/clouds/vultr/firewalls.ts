import { randomUUID } from "node:crypto";
import { isIPv4, isIPv6 } from "node:net";
import { z } from "zod";
import type { InboundRule } from "../firewall.ts";
import type { Machines } from "../machines.ts";
import type { Handler } from "../route.ts";
import type { Store } from "../store.ts";
import { NOTHING, page, parseBody, Refusal } from "./answer.ts";
import { type Account, type FirewallGroup, type FirewallRule, timestamp } from "./state.ts";

/** A description that is longer is cut, and nothing said. */
const GroupSchema = z.strictObject({
  description: z
    .string()
    .default("")
    .transform((text) => text.slice(0, 255)),
});
const RuleSchema = z
  .strictObject({
    ip_type: z.enum(["v4", "v6"]),
    protocol: z
      .string()
      .toLowerCase()
      .pipe(z.enum(["icmp", "tcp", "udp", "gre", "esp", "ah"])),
    subnet: z.string(),
    subnet_size: z.int().min(0).max(128),
    port: z
      .string()
      .regex(/^(\d{1,5}(:\d{1,5})?)?$/)
      .default(""),
    source: z.literal("").default(""),
    notes: z.string().default(""),
  })
  .refine(({ ip_type, subnet }) => (ip_type === "v4" ? isIPv4 : isIPv6)(subnet), { path: ["subnet"] })
  .refine(({ ip_type, subnet_size }) => ip_type === "v6" || subnet_size <= 32, { path: ["subnet_size"] })
  .refine(({ protocol, port }) => (protocol === "tcp" || protocol === "udp") === (port !== ""), {
    path: ["port"],
    error: "is needed for tcp and udp, and for no other protocol",
  });
const MOST_RULES = 50;

/** https://www.vultr.com/api/#tag/firewall */
export function firewallRoutes(
  store: Store<Account>,
  putInForce: () => Promise<void>,
): Record<string, Handler> {
  const GROUP = "/v2/firewalls/{group}";
  const read = (id: string | undefined) => find(store.read(), id);
  const change = async <R>(id: string | undefined, work: (group: FirewallGroup, account: Account) => R) => {
    const result = store.change((account) => work(find(account, id), account));
    await putInForce();
    return result;
  };
  return {
    "GET /v2/firewalls": ({ query }) => page("firewall_groups", store.read().firewalls.map(show), query),
    "POST /v2/firewalls": ({ body }) => {
      const now = timestamp();
      const group: FirewallGroup = {
        id: randomUUID(),
        ...parseBody(GroupSchema, body),
        date_created: now,
        date_modified: now,
        rules: [],
        lastRule: 0,
      };
      store.change(({ firewalls }) => firewalls.push(group));
      return { status: 201, body: { firewall_group: show(group) } };
    },
    [`GET ${GROUP}`]: ({ parameters }) => ({
      status: 200,
      body: { firewall_group: show(read(parameters["group"])) },
    }),
    [`PUT ${GROUP}`]: async ({ parameters, body }) => {
      const asked = parseBody(GroupSchema, body);
      await change(parameters["group"], (group) =>
        Object.assign(group, asked, { date_modified: timestamp() }),
      );
      return NOTHING;
    },
    // Also one that is in use: its instances stand open then.
    [`DELETE ${GROUP}`]: async ({ parameters }) => {
      await change(parameters["group"], (group, account) => {
        account.firewalls = account.firewalls.filter((one) => one !== group);
        for (const instance of account.instances)
          if (instance.firewall_group_id === group.id) instance.firewall_group_id = "";
      });
      return NOTHING;
    },
    [`GET ${GROUP}/rules`]: ({ parameters, query }) =>
      page("firewall_rules", read(parameters["group"]).rules.map(showRule), query),
    [`GET ${GROUP}/rules/{id}`]: ({ parameters }) => ({
      status: 200,
      body: { firewall_rule: showRule(findRule(read(parameters["group"]), parameters["id"])) },
    }),
    [`POST ${GROUP}/rules`]: async ({ parameters, body }) => {
      const { source: _source, ...asked } = parseBody(RuleSchema, body);
      const rule = await change(parameters["group"], (group) => {
        if (group.rules.some((one) => isSame(one, asked)))
          throw new Refusal(400, "This rule is already defined ");
        if (group.rules.length >= MOST_RULES)
          throw new Refusal(400, "You have reached the maximum number of rules for this firewall group.");
        group.lastRule += 1;
        const made = { id: group.lastRule, ...asked };
        group.rules.push(made);
        return made;
      });
      return { status: 201, body: { firewall_rule: showRule(rule) } };
    },
    [`DELETE ${GROUP}/rules/{id}`]: async ({ parameters }) => {
      await change(parameters["group"], (group) => {
        const rule = findRule(group, parameters["id"]);
        group.rules = group.rules.filter((one) => one !== rule);
      });
      return NOTHING;
    },
  };
}

/** Puts the firewalls in force as they are known then; one time after the other, so that the last word is the newest. */
export function enforcer(store: Store<Account>, machines: Machines): () => Promise<void> {
  let last = Promise.resolve();
  const work = () => enforce(store.read(), machines);
  return () => (last = last.then(work, work));
}

/** What the group of each instance lets in; an instance with none is open. */
async function enforce({ instances, firewalls }: Account, machines: Machines): Promise<void> {
  for (const { machine, firewall_group_id } of instances) {
    const group = firewalls.find(({ id }) => id === firewall_group_id);
    if (machine !== undefined) await machines.setInbound(machine.host, group?.rules.flatMap(inboundOf));
  }
}

function inboundOf({ protocol, port, subnet, subnet_size }: FirewallRule): InboundRule[] {
  if (protocol === "gre" || protocol === "esp" || protocol === "ah") return [];
  const ports = port === "" ? undefined : port.replace(":", "-");
  return [{ protocol, port: ports, from: [`${subnet}/${subnet_size}`] }];
}

const isSame = (one: FirewallRule, other: Omit<FirewallRule, "id">): boolean =>
  (["ip_type", "protocol", "subnet", "subnet_size", "port"] as const).every((key) => one[key] === other[key]);

export function find({ firewalls }: Account, id: string | undefined): FirewallGroup {
  const group = firewalls.find((one) => one.id === id);
  if (group === undefined) throw new Refusal(404, "Firewall group ID not found.");
  return group;
}

function findRule({ rules }: FirewallGroup, id: string | undefined): FirewallRule {
  const rule = rules.find((one) => String(one.id) === id);
  if (rule === undefined) throw new Refusal(404, "Firewall rule ID not found.");
  return rule;
}

function show({ rules, lastRule: _lastRule, ...group }: FirewallGroup) {
  return { ...group, rule_count: rules.length, max_rule_count: MOST_RULES };
}

/** Without a source of its own a rule tells its network as one: https://github.com/vultr/terraform-provider-vultr/issues/722 */
function showRule(rule: FirewallRule) {
  const source = `${rule.subnet}/${rule.subnet_size}`;
  return { ...rule, type: rule.ip_type, action: "accept", direction: "in", source, loadbalancer_id: "" };
}
