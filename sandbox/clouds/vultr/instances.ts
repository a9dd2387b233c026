import { randomBytes, randomUUID } from "node:crypto";
import { z } from "zod";
import type { Machines } from "../machines.ts";
import type { Handler } from "../route.ts";
import type { Store } from "../store.ts";
import { NOTHING, page, parseBody, Refusal } from "./answer.ts";
import { hasRegion, isAvailable, OSES, PLANS } from "./catalogue.ts";
import { find as findGroup } from "./firewalls.ts";
import { shape } from "./instance-shape.ts";
import { find as findKey } from "./ssh-keys.ts";
import { type Account, type Instance, timestamp } from "./state.ts";

/** The SDK sends null for some lists that aren't given. */
const Tags = z.array(z.string()).max(50).nullable();
const UserData = z.string().regex(/^[A-Za-z0-9+/]*={0,2}$/, "is not base64");
const CreateSchema = z.strictObject({
  region: z.string().min(1),
  plan: z.string().min(1),
  os_id: z.int(),
  label: z.string().default(""),
  hostname: z.string().regex(/^[A-Za-z0-9]([A-Za-z0-9.-]{0,61}[A-Za-z0-9])?$/).optional(), // prettier-ignore
  tags: Tags.default([]),
  sshkey_id: z.array(z.string()).nullable().default([]),
  user_data: UserData.default(""),
  user_scheme: z.enum(["root", "limited"]).default("root"),
  firewall_group_id: z.string().default(""),
  enable_ipv6: z.boolean().default(false),
  activation_email: z.boolean().optional(),
  backups: z.literal("disabled").optional(),
  ddos_protection: z.literal(false).optional(),
  disable_public_ipv4: z.literal(false).optional(),
  block_devices: z.null().optional(),
});
const UpdateSchema = z.strictObject({
  label: z.string().optional(),
  tags: Tags.optional(),
  plan: z.string().optional(),
  firewall_group_id: z.string().optional(),
  enable_ipv6: z.boolean().optional(),
  user_data: UserData.optional(),
  backups: z.literal("disabled").optional(),
  ddos_protection: z.literal(false).nullable().optional(),
});

/** https://www.vultr.com/api/#tag/instances */
export function instanceRoutes(
  store: Store<Account>,
  machines: Machines,
  enforce: () => Promise<void>,
): Record<string, Handler> {
  const show = (instance: Instance) => shape(instance, machines, Date.now());
  const INSTANCE = "/v2/instances/{id}";
  const power = async (id: string | undefined, work: (host: string) => Promise<void>) => {
    const { machine } = find(store.read(), id);
    if (machine === undefined) throw new Refusal(500, "Server is currently locked");
    await work(machine.host);
    return NOTHING;
  };
  const restart = async (host: string) => {
    await machines.powerOff(host);
    await machines.powerOn(host);
  };
  return {
    "GET /v2/instances": ({ query }) => page("instances", selected(store.read().instances.map(show), query), query), // prettier-ignore
    "POST /v2/instances": async ({ body }) => {
      const reply = await create(store, machines, parseBody(CreateSchema, body));
      await enforce();
      return reply;
    },
    [`GET ${INSTANCE}`]: ({ parameters }) => ({
      status: 200,
      body: { instance: show(find(store.read(), parameters["id"])) },
    }),
    [`PATCH ${INSTANCE}`]: async ({ parameters, body }) => {
      const { tags, plan, enable_ipv6, ...asked } = parseBody(UpdateSchema, body);
      const resized = store.change((account) => {
        const instance = find(account, parameters["id"]);
        if (asked.firewall_group_id) findGroup(account, asked.firewall_group_id);
        const resize = plan !== undefined && plan !== instance.plan;
        if (resize) checkUpgrade(account, instance, plan);
        const { label = instance.label, user_data = instance.user_data } = asked;
        const { firewall_group_id = instance.firewall_group_id } = asked;
        Object.assign(instance, { label, user_data, firewall_group_id }, resize ? { plan } : {});
        if (tags) instance.tags = tags;
        // Once there, it stays.
        if (enable_ipv6) instance.enable_ipv6 = true;
        return resize;
      });
      if (resized) await power(parameters["id"], restart);
      await enforce();
      return { status: 202, body: { instance: show(find(store.read(), parameters["id"])) } };
    },
    [`DELETE ${INSTANCE}`]: async ({ parameters }) => {
      const { id, machine } = find(store.read(), parameters["id"]);
      // https://github.com/vultr/ansible-collection-vultr/issues/113
      if (machine === undefined)
        throw new Refusal(500, "Unable to destroy server: Unable to remove VM: Server is currently locked");
      await machines.delete(machine.host);
      store.change((account) => {
        account.instances = account.instances.filter((one) => one.id !== id);
      });
      return NOTHING;
    },
    [`POST ${INSTANCE}/halt`]: ({ parameters }) => power(parameters["id"], (host) => machines.powerOff(host)),
    // One that runs is started anew.
    [`POST ${INSTANCE}/start`]: ({ parameters }) => power(parameters["id"], restart),
    [`POST ${INSTANCE}/reboot`]: ({ parameters }) => power(parameters["id"], restart),
    [`GET ${INSTANCE}/user-data`]: ({ parameters }) => ({
      status: 200,
      body: { user_data: { data: find(store.read(), parameters["id"]).user_data } },
    }),
    [`GET ${INSTANCE}/backup-schedule`]: ({ parameters }) => {
      find(store.read(), parameters["id"]);
      const none = { type: "", next_scheduled_time_utc: "", hour: 0, dow: 0, dom: 0 };
      return { status: 200, body: { backup_schedule: { enabled: false, ...none } } };
    },
    [`GET ${INSTANCE}/vpcs`]: ({ parameters, query }) => {
      find(store.read(), parameters["id"]);
      return page("vpcs", [], query);
    },
  };
}

async function create(store: Store<Account>, machines: Machines, request: z.output<typeof CreateSchema>) {
  const { region, plan, os_id, label, user_data, user_scheme, firewall_group_id, enable_ipv6 } = request;
  const hostname = request.hostname ?? "vultr.guest";
  // Counted before the host is there: of two at once at the limit, one is refused.
  const { instance, keys } = store.change((account) => {
    if (!hasRegion(region)) throw new Refusal(400, "Invalid region.");
    if (!PLANS.some(({ id }) => id === plan)) throw new Refusal(400, "Invalid plan.");
    if (!OSES.some(({ id }) => id === os_id)) throw new Refusal(400, "Invalid os_id.");
    if (!isAvailable(account, plan, region))
      throw new Refusal(400, "instance plan is not available in the selected region");
    if (account.instances.length >= account.instanceLimit)
      throw new Refusal(400, "Server add failed: You have reached the maximum number of active virtual machines for this account. For security reasons, please contact our support team to have the limit raised"); // prettier-ignore
    if (firewall_group_id !== "") findGroup(account, firewall_group_id);
    const made: Instance = {
      id: randomUUID(),
      label,
      hostname,
      region,
      plan,
      os_id,
      tags: request.tags ?? [],
      firewall_group_id,
      enable_ipv6,
      user_data,
      user_scheme,
      date_created: timestamp(),
      startedAt: 0,
    };
    const found = (request.sshkey_id ?? []).map((id) => findKey(account, id).ssh_key);
    account.instances.push(made);
    return { instance: made, keys: found };
  });
  try {
    const { host, ipv4, ipv6 } = await machines.create({
      name: request.hostname ?? (label.replaceAll(/[^A-Za-z0-9-]+/g, "-") || "vultr"),
      provider: "vultr",
      userData: Buffer.from(user_data, "base64").toString(),
      authorizedKeys: keys,
    });
    store.change((account) =>
      Object.assign(find(account, instance.id), { machine: { host, ipv4, ipv6 }, startedAt: Date.now() }),
    );
  } catch (error) {
    store.change((account) => {
      account.instances = account.instances.filter(({ id }) => id !== instance.id);
    });
    throw error;
  }
  // The password is told this once.
  const default_password = randomBytes(12).toString("base64url");
  return { status: 202, body: { instance: { ...shape(instance, machines, Date.now()), default_password } } };
}

const sizeOf = (plan: string) => PLANS.find(({ id }) => id === plan)?.disk ?? 0;

/** A disk can't shrink. */
function checkUpgrade(account: Account, instance: Instance, plan: string): void {
  if (!isAvailable(account, plan, instance.region) || sizeOf(plan) < sizeOf(instance.plan))
    throw new Refusal(400, "Invalid plan.");
}

function find({ instances }: Account, id: string | undefined): Instance {
  const instance = instances.find((one) => one.id === id);
  if (instance === undefined) throw new Refusal(404, "Invalid instance-id.");
  return instance;
}

/** `tag` is one tag, upper and lower case alike; the others are exact. */
function selected(all: readonly ReturnType<typeof shape>[], query: URLSearchParams) {
  const tag = query.get("tag")?.toLowerCase();
  return all.filter(
    (one) =>
      (tag === undefined || one.tags.some((own) => own.toLowerCase() === tag)) &&
      (["label", "hostname", "region", "main_ip", "firewall_group_id"] as const).every(
        (field) => !query.has(field) || one[field] === query.get(field),
      ),
  );
}
