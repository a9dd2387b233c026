import { EventEmitter, once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { credentialsStore, ensureCredentials } from "../credentials.ts";
import { FakeMachines } from "../machines.fake.ts";
import { vultrApi, vultrStore } from "./api.ts";
import { billed } from "./state.ts";

type Thing = Record<string, unknown> & { id: string; tags: string[] };
interface Body {
  error?: string;
  status?: number;
  meta?: { total: number; links: { next: string; prev: string } };
  [key: string]: unknown;
}

let state: string;
let machines: FakeMachines;
let now: number;
let call: (method: string, path: string, body?: unknown, bearer?: string) => Promise<{ status: number; body: Body; headers: Readonly<Record<string, string>> }>; // prettier-ignore

beforeEach(() => {
  state = mkdtempSync(join(tmpdir(), "infra-k3s-vultr-"));
  machines = new FakeMachines();
  now = Date.now();
  const key = ensureCredentials(state).vultr?.[0]?.key ?? "";
  const api = vultrApi(join(state, "clouds"), machines, () => (now += 100));
  call = async (method, path, body, bearer = key) => {
    const reply = await api({
      method,
      host: "api.vultr.com",
      path: `/v2${path}`,
      headers: {},
      client: "198.18.5.2",
      authorization: `Bearer ${bearer}`,
      body: body === undefined ? "" : JSON.stringify(body),
    });
    return { status: reply.status, body: (reply.body ?? {}) as Body, headers: reply.headers ?? {} };
  };
});
afterEach(() => rmSync(state, { recursive: true, force: true }));

const store = () => vultrStore(join(state, "clouds"));
const startedAt = (at: number) => store().change(({ instances: [one] }) => Object.assign(one ?? {}, { startedAt: at })); // prettier-ignore
const KEY = "ssh-ed25519 AAAA me";
/** As Vultr's SDK sends it. */
const INSTANCE = { region: "fra", plan: "vc2-2c-4gb", os_id: 2136, label: "a", hostname: "a", tags: null, block_devices: null, enable_ipv6: true, disable_public_ipv4: false, activation_email: false, ddos_protection: false, backups: "disabled" }; // prettier-ignore
const SSH = { ip_type: "v4", protocol: "tcp", subnet: "0.0.0.0", subnet_size: 0, port: "22" };
const said = ({ status, body }: { status: number; body: Body }) => `${status} ${body.error ?? "ok"}`;
const create = async (more = {}) => (await call("POST", "/instances", { ...INSTANCE, ...more })).body["instance"] as Thing; // prettier-ignore
const instance = async (id: string) => (await call("GET", `/instances/${id}`)).body["instance"] as Thing;
const group = async () => (await call("POST", "/firewalls", { description: "g" })).body["firewall_group"] as Thing; // prettier-ignore
const list = async (query: string) => {
  const { body } = await call("GET", `/instances?${query}`);
  return { labels: (body["instances"] as Thing[]).map((one) => one["label"]), meta: body.meta };
};

test("an instance is a machine with its keys and its user data; its addresses are told when it is active", async () => {
  const { body } = await call("POST", "/ssh-keys", { name: "me", ssh_key: KEY });
  const user_data = Buffer.from("#cloud-config\n").toString("base64");
  const made = await call("POST", "/instances", {
    ...INSTANCE,
    sshkey_id: [(body["ssh_key"] as Thing).id],
    user_data,
    tags: ["infra-k3s-cluster:demo"],
  });
  const { id, ...first } = made.body["instance"] as Thing;

  expect(made.status).toBe(202);
  expect(first).toMatchObject({ status: "pending", power_status: "stopped", server_status: "none", main_ip: "0.0.0.0", v6_main_ip: "", default_password: expect.any(String) }); // prettier-ignore
  expect(machines.hosts.get("a")).toMatchObject({
    userData: "#cloud-config\n",
    authorizedKeys: [KEY],
    provider: "vultr",
  });
  startedAt(Date.now() + 60_000);
  expect(await instance(id)).toMatchObject({
    status: "pending",
    power_status: "stopped",
    main_ip: "0.0.0.0",
  });
  startedAt(0);
  const ready = await instance(id);
  expect(ready).toMatchObject({ status: "active", power_status: "running", server_status: "ok", main_ip: "198.18.1.10", v6_main_ip: "2001:db8:1:a::1", v6_network: "2001:db8:1:a::", v6_network_size: 64, os: "Debian 12 x64 (bookworm)", vcpu_count: 2, ram: 4096, disk: 80, features: ["ipv6"], tags: ["infra-k3s-cluster:demo"] }); // prettier-ignore
  expect(Object.keys(ready)).not.toContain("default_password");
  expect((await call("GET", `/instances/${id}/user-data`)).body).toEqual({ user_data: { data: user_data } });
});

test("switched off by hand it says stopped, and is billed; deleted it is gone", async () => {
  const { id } = await create();
  expect(said(await call("POST", `/instances/${id}/halt`))).toBe("204 ok");
  expect(said(await call("POST", `/instances/${id}/halt`))).toBe("204 ok");
  startedAt(0);
  expect(await instance(id)).toMatchObject({ status: "active", power_status: "stopped" });
  expect(billed(store().read())).toEqual({ instances: 1 });
  await call("POST", `/instances/${id}/start`);
  expect(await instance(id)).toMatchObject({ power_status: "running" });

  expect(said(await call("DELETE", `/instances/${id}`))).toBe("204 ok");
  expect(said(await call("GET", `/instances/${id}`))).toBe("404 Invalid instance-id.");
  expect([machines.hosts.size, billed(store().read())]).toEqual([0, { instances: 0 }]);
});

test("lists are selected by tag and label, and come in pages by cursor", async () => {
  for (const label of ["a", "b", "c"])
    await create({ label, hostname: label, tags: [label === "b" ? "odd:No" : "odd:yes"] });

  expect((await list("tag=ODD%3Ayes")).labels).toEqual(["a", "c"]);
  expect((await list("tag=odd%3Ano")).labels).toEqual(["b"]);
  expect((await list("tag=odd%3A")).labels).toEqual([]);
  expect((await list("label=b")).labels).toEqual(["b"]);
  const first = await list("per_page=2");
  expect([first.labels, first.meta?.total, first.meta?.links.prev]).toEqual([["a", "b"], 3, ""]);
  const second = await list(`per_page=2&cursor=${first.meta?.links.next}`);
  expect([second.labels, second.meta?.links.next]).toEqual([["c"], ""]);
  expect(second.meta?.links.prev).not.toBe("");
  expect((await list(`per_page=2&cursor=${second.meta?.links.prev}`)).labels).toEqual(["a", "b"]);
});

test("a change names what changes: tags that are null stay, and a larger plan restarts it", async () => {
  const { id } = await create({ tags: ["mine"] });
  const { id: firewall_group_id } = await group();
  const changed = await call("PATCH", `/instances/${id}`, {
    label: "renamed",
    tags: null,
    ddos_protection: null,
    firewall_group_id,
  });

  expect(changed.status).toBe(202);
  expect(changed.body["instance"]).toMatchObject({ label: "renamed", tags: ["mine"], firewall_group_id });
  expect((await call("PATCH", `/instances/${id}`, { tags: [] })).body["instance"]).toMatchObject({ tags: [] }); // prettier-ignore
  const off = vi.spyOn(machines, "powerOff");
  expect((await call("PATCH", `/instances/${id}`, { plan: "vc2-4c-8gb" })).body["instance"]).toMatchObject({ plan: "vc2-4c-8gb", disk: 160 }); // prettier-ignore
  expect(off.mock.calls).toEqual([["a"]]);
  expect(said(await call("PATCH", `/instances/${id}`, { plan: "vc2-1c-1gb" }))).toBe("400 Invalid plan.");
});

test("what Vultr refuses is refused in its words, and nothing is made", async () => {
  const refused = async (more: object) => said(await call("POST", "/instances", { ...INSTANCE, ...more }));

  expect(await refused({ region: "mars" })).toBe("400 Invalid region.");
  expect(await refused({ plan: "vc2-0c" })).toBe("400 Invalid plan.");
  expect(await refused({ os_id: 1 })).toBe("400 Invalid os_id.");
  expect(await refused({ plan: "vhf-2c-4gb" })).toMatch(
    /^400 .*plan is not available in the selected region$/,
  );
  expect(await refused({ sshkey_id: ["gone"] })).toBe("404 Invalid SSH key ID.");
  expect(await refused({ firewall_group_id: "gone" })).toBe("404 Firewall group ID not found.");
  expect(await refused({ mistyped: 1 })).toBe("501 not simulated: mistyped");
  expect(said(await call("GET", "/domains"))).toBe("501 not simulated: GET /v2/domains");
  expect(said(await call("GET", "/instances/x/vpc2"))).toBe("404 Not found.");
  store().change((account) => void account.soldOut.push("vc2-2c-4gb@fra"));
  expect(await refused({})).toMatch(/^400 .*plan is not available in the selected region$/);
  expect((await call("GET", "/regions/fra/availability?type=vc2")).body["available_plans"]).not.toContain("vc2-2c-4gb"); // prettier-ignore
  expect([machines.hosts.size, billed(store().read())]).toEqual([0, { instances: 0 }]);
});

test("of two at once at the limit one is refused", async () => {
  store().change((account) => Object.assign(account, { instanceLimit: 1 }));
  const both = await Promise.all(["a", "b"].map((label) => call("POST", "/instances", { ...INSTANCE, label }))); // prettier-ignore

  expect(both.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([202, 400]);
  expect(both.find(({ status }) => status === 400)?.body.error).toMatch(/reached the maximum number of active virtual machines/); // prettier-ignore
  expect([machines.hosts.size, billed(store().read())]).toEqual([1, { instances: 1 }]);
});

test("an instance that is just being made can't be deleted; one whose host fails is not kept", async () => {
  const host = new EventEmitter();
  machines.create = async () => {
    await once(host, "ready");
    throw new Error("no room");
  };
  const making = call("POST", "/instances", INSTANCE);
  await expect.poll(() => billed(store().read())).toEqual({ instances: 1 });
  const [half] = store().read().instances;

  expect(said(await call("DELETE", `/instances/${half?.id}`))).toMatch(/^500 .*Server is currently locked$/);
  host.emit("ready");
  await expect(making).rejects.toThrow("no room");
  expect(billed(store().read())).toEqual({ instances: 0 });
});

test("a key may what its user may, from where it may, until it expires", async () => {
  credentialsStore(state).change((known) => {
    known.vultr = [
      { key: "VIEW", acls: ["subscriptions_view"] },
      { key: "DEPLOY", acls: ["provisioning"] },
      { key: "ROOT", acls: ["manage_users"] },
      { key: "HOME", acls: ["firewall"], from: ["198.18.5.2"] },
      { key: "AWAY", acls: ["firewall"], from: ["192.0.2.1"] },
      { key: "OLD", acls: ["manage_users"], expires: new Date(now).toISOString() },
    ];
  });
  const status = async (bearer: string, method: string, path: string, body?: unknown) =>
    (await call(method, path, body, bearer)).status;

  expect(said(await call("GET", "/account", undefined, "WRONG"))).toBe("401 Invalid API token.");
  expect(said(await call("GET", "/account", undefined, "OLD"))).toBe("401 Invalid API token.");
  expect(said(await call("GET", "/firewalls", undefined, "AWAY"))).toBe("401 Unauthorized IP address: 198.18.5.2"); // prettier-ignore
  expect(said(await call("GET", "/firewalls", undefined, "HOME"))).toBe("200 ok");
  expect((await call("GET", "/account", undefined, "VIEW")).body["account"]).toMatchObject({ acls: ["subscriptions_view"] }); // prettier-ignore
  expect(await status("VIEW", "GET", "/instances")).toBe(200);
  expect(await status("VIEW", "POST", "/instances", INSTANCE)).toBe(403);
  expect(await status("VIEW", "GET", "/firewalls")).toBe(403);
  expect(await status("DEPLOY", "POST", "/instances", INSTANCE)).toBe(202);
  const [made] = store().read().instances;
  expect(await status("DEPLOY", "PATCH", `/instances/${made?.id}`, { label: "plan" })).toBe(202);
  expect(await status("DEPLOY", "PATCH", `/instances/${made?.id}`, { plan: "vc2-4c-8gb" })).toBe(403);
  expect(await status("ROOT", "GET", "/firewalls")).toBe(200);
  expect(await status("NONE", "GET", "/regions")).toBe(200);
});

test("a group's rules are in force at its instances; a rule is there once, and tells its network as its source", async () => {
  const { id } = await group();
  const rule = await call("POST", `/firewalls/${id}/rules`, { ...SSH, notes: "in" });
  await create({ firewall_group_id: id });

  expect([rule.status, rule.body["firewall_rule"]]).toEqual([201, { ...SSH, id: 1, notes: "in", type: "v4", action: "accept", direction: "in", source: "0.0.0.0/0", loadbalancer_id: "" }]); // prettier-ignore
  expect(machines.hosts.get("a")?.inbound).toEqual([{ protocol: "tcp", port: "22", from: ["0.0.0.0/0"] }]);
  expect(said(await call("POST", `/firewalls/${id}/rules`, SSH))).toBe("400 This rule is already defined ");
  await call("POST", `/firewalls/${id}/rules`, { ip_type: "v6", protocol: "udp", subnet: "::", subnet_size: 0, port: "8000:8080" }); // prettier-ignore
  await call("DELETE", `/firewalls/${id}/rules/1`);
  expect(machines.hosts.get("a")?.inbound).toEqual([{ protocol: "udp", port: "8000-8080", from: ["::/0"] }]);
  expect(said(await call("GET", `/firewalls/${id}/rules/1`))).toBe("404 Firewall rule ID not found.");
  expect((await call("POST", `/firewalls/${id}/rules`, SSH)).body["firewall_rule"]).toMatchObject({ id: 3 });
  expect((await call("GET", `/firewalls/${id}`)).body["firewall_group"]).toMatchObject({ rule_count: 2, max_rule_count: 50 }); // prettier-ignore
});

test.each([
  ["no port", { ...SSH, port: "" }],
  ["a port for ICMP", { ...SSH, protocol: "icmp" }],
  ["another family's network", { ...SSH, subnet: "::" }],
  ["too long a network", { ...SSH, subnet_size: 33 }],
])("a rule with %s is refused", async (_what, rule) => {
  expect((await call("POST", `/firewalls/${(await group()).id}/rules`, rule)).status).toBe(400);
});

test("a group may be deleted while it is in use: its instances stand open then", async () => {
  const { id } = await group();
  const made = await create({ firewall_group_id: id });
  expect(machines.hosts.get("a")?.inbound).toEqual([]);

  expect(said(await call("DELETE", `/firewalls/${id}`))).toBe("204 ok");
  expect(await instance(made.id)).toMatchObject({ firewall_group_id: "" });
  expect(machines.hosts.get("a")?.inbound).toBeUndefined();
});

test("a key is renamed; too long a name or description is cut", async () => {
  const { body } = await call("POST", "/ssh-keys", { name: "me", ssh_key: KEY });
  const { id } = body["ssh_key"] as Thing;
  expect((await call("POST", "/ssh-keys", { name: "me", ssh_key: KEY })).status).toBe(201);
  expect((await call("PATCH", `/ssh-keys/${id}`, { name: "n".repeat(200) })).status).toBe(204);

  expect((await call("GET", `/ssh-keys/${id}`)).body["ssh_key"]).toMatchObject({ name: "n".repeat(128), ssh_key: KEY }); // prettier-ignore
  expect((await call("POST", "/firewalls", { description: "d".repeat(300) })).body["firewall_group"]).toMatchObject({ description: "d".repeat(255) }); // prettier-ignore
  expect(said(await call("DELETE", `/ssh-keys/${id}`))).toBe("204 ok");
  expect(said(await call("DELETE", `/ssh-keys/${id}`))).toBe("404 Invalid SSH key ID.");
});

test("plans have prices and places; more than 30 calls a second are too many", async () => {
  const { body } = await call("GET", "/plans?type=vc2");
  expect(body["plans"]).toContainEqual({ id: "vc2-2c-4gb", vcpu_count: 2, ram: 4096, disk: 80, disk_count: 1, bandwidth: 2048, monthly_cost: 20, hourly_cost: 0.027, type: "vc2", locations: ["fra", "ams", "waw", "ewr", "sao"], location_cost: { sao: { monthly_cost: 30, hourly_cost: 0.041 } } }); // prettier-ignore

  const calls = await Promise.all(Array.from({ length: 31 }, () => ((now -= 100), call("GET", "/os"))));
  expect(calls.at(-1)).toMatchObject({ status: 429, headers: { "retry-after": "1" } });
  now += 2000;
  expect((await call("GET", "/os")).status).toBe(200);
});
