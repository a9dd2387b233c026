import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { credentialsStore, ensureCredentials } from "../credentials.ts";
import { FakeMachines } from "../machines.fake.ts";
import { hetznerApi, hetznerStore } from "./api.ts";
import { billed } from "./state.ts";

interface Body {
  error?: { code: string; details?: { fields?: { name: string }[] } };
  meta?: { pagination: Record<string, unknown> };
  [key: string]: unknown;
}
type Named = Record<string, unknown> & { id: number; name: string };

let state: string;
let machines: FakeMachines;
let token: string;
let call: (method: string, path: string, body?: unknown, bearer?: string) => Promise<{ status: number; body: Body; headers: Readonly<Record<string, string>> }>; // prettier-ignore

beforeEach(() => {
  state = mkdtempSync(join(tmpdir(), "infra-k3s-hetzner-"));
  machines = new FakeMachines();
  token = ensureCredentials(state).hetzner[0]?.token ?? "";
  const api = hetznerApi(join(state, "clouds"), machines);
  call = async (method, path, body, bearer = token) => {
    const reply = await api({
      method,
      host: "api.hetzner.cloud",
      path: `/v1${path}`,
      headers: {},
      authorization: `Bearer ${bearer}`,
      body: body === undefined ? "" : JSON.stringify(body),
    });
    return { status: reply.status, body: (reply.body ?? {}) as Body, headers: reply.headers ?? {} };
  };
});
afterEach(() => rmSync(state, { recursive: true, force: true }));

const SERVER = { name: "a", server_type: "cx33", image: "debian-12", location: "fsn1" };
const code = ({ status, body }: { status: number; body: Body }) => `${status} ${body.error?.code ?? "ok"}`;

test("a server is a machine with its keys and its user data, and its action goes on after the answer", async () => {
  const key = await call("POST", "/ssh_keys", { name: "me", public_key: "ssh-ed25519 AAAA me" });
  const made = await call("POST", "/servers", {
    ...SERVER,
    ssh_keys: [(key.body["ssh_key"] as Named).id],
    user_data: "#cloud-config\n",
    labels: { "infra-k3s-cluster": "demo" },
  });
  const server = made.body["server"] as Named & { status: string; public_net: { ipv6: { ip: string } } };
  const action = made.body["action"] as { id: number; status: string };

  expect(made.status).toBe(201);
  expect([server.status, action.status]).toEqual(["initializing", "running"]);
  expect(server.public_net.ipv6.ip).toBe("2001:db8:1:a::/64");
  expect(machines.hosts.get("a")).toMatchObject({
    userData: "#cloud-config\n",
    authorizedKeys: ["ssh-ed25519 AAAA me"],
  });
  await expect
    .poll(async () => (await call("GET", `/actions/${action.id}`)).body["action"], { interval: 50 })
    .toMatchObject({ status: "success", progress: 100, resources: [{ id: server.id, type: "server" }] });
  await expect
    .poll(async () => (await call("GET", `/servers/${server.id}`)).body["server"], { interval: 50 })
    .toMatchObject({ status: "running" });
  await call("POST", `/servers/${server.id}/actions/poweroff`);
  expect((await call("GET", `/servers/${server.id}`)).body["server"]).toMatchObject({ status: "off" });
});

test("lists are selected by name and label, and come in pages", async () => {
  hetznerStore(join(state, "clouds")).change((project) => {
    project.serverLimit = 100;
  });
  for (const name of ["a", "b", "c"])
    await call("POST", "/servers", { ...SERVER, name, labels: { odd: name === "b" ? "no" : "yes" } });
  const names = async (query: string) => {
    const { body } = await call("GET", `/servers?${query}`);
    return (body["servers"] as Named[]).map(({ name }) => name);
  };

  expect(await names("name=b")).toEqual(["b"]);
  expect(await names("label_selector=odd%3Dyes")).toEqual(["a", "c"]);
  expect(await names("label_selector=odd%21%3Dyes")).toEqual(["b"]);
  expect(await names("per_page=2&page=2")).toEqual(["c"]);
  expect((await call("GET", "/servers?per_page=2")).body.meta?.pagination).toMatchObject({
    next_page: 2,
    last_page: 2,
    total_entries: 3,
  });
});

test("what Hetzner refuses is refused in its words, and nothing is made", async () => {
  const store = hetznerStore(join(state, "clouds"));
  credentialsStore(state).change((known) => known.hetzner.push({ token: "reader", access: "read" }));

  expect(code(await call("GET", "/servers", undefined, "wrong"))).toBe("401 unauthorized");
  expect(code(await call("POST", "/servers", {}, "reader"))).toBe("403 forbidden");
  expect(code(await call("POST", "/servers", {}))).toBe("422 invalid_input");
  expect(code(await call("POST", "/servers", { ...SERVER, server_type: "cx1" }))).toBe("422 invalid_input");
  expect(code(await call("POST", "/servers", { ...SERVER, location: "ash" }))).toBe("422 invalid_input");
  expect(code(await call("POST", "/servers", { ...SERVER, mistyped: 1 }))).toBe("422 invalid_input");
  store.change((project) => void project.soldOut.push("cx33@fsn1"));
  expect(code(await call("POST", "/servers", SERVER))).toBe("412 resource_unavailable");
  store.change((project) => Object.assign(project, { soldOut: [], serverLimit: 1 }));
  expect(code(await call("POST", "/servers", SERVER))).toBe("201 ok");
  expect(code(await call("POST", "/servers", SERVER))).toBe("409 uniqueness_error");
  expect(code(await call("POST", "/servers", { ...SERVER, name: "b" }))).toBe("403 resource_limit_exceeded");
  expect(code(await call("GET", "/isos"))).toBe("501 unsupported_error");
  expect([machines.hosts.size, billed(store.read())]).toEqual([1, { servers: 1, primaryIpv4: 1 }]);
});

test("a protected server stays; without protection it is gone, and nothing is billed", async () => {
  const { id } = (await call("POST", "/servers", SERVER)).body["server"] as Named;
  await call("POST", `/servers/${id}/actions/change_protection`, { delete: true, rebuild: true });

  expect(code(await call("DELETE", `/servers/${id}`))).toBe("423 protected");
  await call("POST", `/servers/${id}/actions/change_protection`, { delete: false, rebuild: false });
  expect(code(await call("DELETE", `/servers/${id}`))).toBe("200 ok");
  expect([machines.hosts.size, billed(hetznerStore(join(state, "clouds")).read())]).toEqual([
    0,
    { servers: 0, primaryIpv4: 0 },
  ]);
});

test("a firewall's rules are in force at its servers, and it can't be deleted before them", async () => {
  const rules = [
    { direction: "in", protocol: "tcp", port: "22", source_ips: ["0.0.0.0/0", "::/0"] },
    { direction: "out", protocol: "icmp", destination_ips: ["0.0.0.0/0"] },
  ];
  const { id } = (await call("POST", "/firewalls", { name: "f", rules })).body["firewall"] as Named;
  const server = (await call("POST", "/servers", { ...SERVER, firewalls: [{ firewall: id }] })).body["server"] as Named; // prettier-ignore

  expect(machines.hosts.get("a")?.inbound).toEqual([
    { protocol: "tcp", port: "22", from: ["0.0.0.0/0", "::/0"] },
  ]);
  await call("POST", `/firewalls/${id}/actions/set_rules`, { rules: [] });
  expect(machines.hosts.get("a")?.inbound).toEqual([]);
  expect(code(await call("POST", `/firewalls/${id}/actions/set_rules`, { rules: [{ direction: "in", protocol: "tcp", source_ips: ["::/0"] }] }))).toBe("422 invalid_input"); // prettier-ignore
  expect(code(await call("DELETE", `/firewalls/${id}`))).toBe("422 resource_in_use");
  await call("POST", `/firewalls/${id}/actions/remove_from_resources`, {
    remove_from: [{ type: "server", server: { id: server.id } }],
  });
  expect(machines.hosts.get("a")?.inbound).toBeUndefined();
  expect(code(await call("DELETE", `/firewalls/${id}`))).toBe("204 ok");
});

test("prices and places come with the server types; every answer tells the rate limit", async () => {
  const { body, headers } = await call("GET", "/server_types?name=cax11");

  expect(body["server_types"]).toMatchObject([
    {
      architecture: "arm",
      prices: [{ location: "fsn1", price_monthly: { net: "3.2900", gross: "3.9151" } }, {}, {}],
      locations: [{ name: "fsn1", available: true }, {}, {}],
    },
  ]);
  expect(headers).toMatchObject({ "RateLimit-Limit": "3600", "RateLimit-Remaining": "3599" });
});
