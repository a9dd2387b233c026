import { expect, test } from "vitest";
import type { ResourceChange } from "../../tools/tofu/show.ts";
import { thing } from "../../tools/inventory/thing.ts";
import { doubles, leftovers, lostMaster, nodeOf, refusals, strays, toChanges } from "./plan.ts";

const change = (
  address: string,
  action: ResourceChange["action"],
  attributes: string[] = [],
): ResourceChange => ({
  address,
  type: /(?:^|\.)([a-z0-9]+_[a-z0-9_]+)\./.exec(address)?.[1] ?? "",
  action,
  attributes,
  before: null,
  after: null,
});
const SERVER = 'module.server["hetzner-1"].hcloud_server.this';
const told = (list: ResourceChange[], drift: ResourceChange[] = []) =>
  toChanges("servers", "hetzner", { changes: list, drift, outputs: [], values: {}, ids: [] });

test("says of each resource what happens to it, and why", () => {
  const firewall = 'module.server["hetzner-1"].hcloud_firewall.this';
  const all = told(
    [change(SERVER, "replace", ["location"]), change(firewall, "update", ["rule"])],
    [change(firewall, "update", ["rule"])],
  );

  expect(all.map(({ action, resource, reason }) => `${action} ${resource}: ${reason}`)).toEqual([
    `delete hetzner: ${SERVER}: it can't be changed in place: location`,
    `update hetzner: ${firewall}: was changed behind its back: rule`,
  ]);
  expect(nodeOf(SERVER)).toBe("hetzner-1");
  expect(nodeOf("hcloud_ssh_key.admin[0]")).toBeUndefined();
});

test.each(["delete", "replace"] as const)("refuses to %s a server unless it is named exactly", (action) => {
  const all = told([change(SERVER, action), change("hcloud_ssh_key.admin[0]", "delete")]);

  expect(refusals(all, []).map(({ what }) => what)).toEqual([
    `hetzner: ${SERVER} would be destroyed, with all that is on it; it is left as it is`,
  ]);
  expect(refusals(all, ["hetzner", "hetzner-10", "hcloud_server"])).toHaveLength(1);
  expect(refusals(all, [SERVER])).toEqual([]);
  expect(refusals(all, ["hetzner-1"])).toEqual([]);
});

test("creating and changing need no leave", () => {
  expect(refusals(told([change(SERVER, "create"), change(SERVER, "update")]), [])).toEqual([]);
});

const kind = { provider: "hetzner", type: "hcloud_server" } as const;
const server = (id: string, created: string) =>
  thing(kind, { id, name: "hetzner-1", address: SERVER, created, billed: true });

test("a master that is gone from the provider is not made anew by the way; one that only the state forgot is", () => {
  const [create, replace] = [change(SERVER, "create"), change(SERVER, "replace")];

  expect(lostMaster({ changes: [create] }, [], "hetzner-1")).toEqual([
    expect.objectContaining({ fix: expect.stringContaining("infra-k3s restore cluster") }),
  ]);
  expect(lostMaster({ changes: [create] }, [server("1", "")], "hetzner-1")).toEqual([]);
  expect(lostMaster({ changes: [create] }, [], "another")).toEqual([]);
  expect(lostMaster({ changes: [replace] }, [], "hetzner-1")).toEqual([]);
});

test("what a lost answer left is adopted: the one in use, else the oldest; a repeated one is useless", () => {
  const [older, newer] = [server("1", "2026-01-01T00:00:00Z"), server("2", "2026-01-01T00:00:09Z")];
  const plan = { changes: [change(SERVER, "create")] };

  expect(leftovers(plan, [newer, older], [])).toEqual({ imports: [older], useless: [newer] });
  expect(leftovers(plan, [newer, older], ["2"])).toEqual({ imports: [newer], useless: [older] });
  expect(leftovers({ changes: [] }, [newer, older], [])).toEqual({ imports: [], useless: [] });
  expect(doubles([newer, older], ["2"])).toEqual([older]);
  expect(doubles([older], [])).toEqual([]);
  const group = (id: string) => ({ ...older, type: "vultr_firewall_group", id, created: "", billed: false });
  expect(doubles([group("1"), group("2")], ["2"])).toEqual([group("1")]);
  const rule = (id: string) => ({ ...group(id), type: "vultr_firewall_rule" });
  expect(doubles([rule("1"), rule("2")], ["2"])).toEqual([]);
});

test("a token whose secret nobody was told is made anew", () => {
  const address = "module.dns.cloudflare_account_token.dns01";
  const token = thing(
    { provider: "cloudflare", type: "cloudflare_account_token" },
    { id: "t", name: "infra-k3s c dns01", address },
  );

  expect(leftovers({ changes: [change(address, "create")] }, [token], [])).toEqual({
    imports: [],
    useless: [token],
  });
});

const rule = (id: string, port: number) =>
  thing(
    { provider: "vultr", type: "vultr_firewall_rule" },
    {
      id: `group/rules/${id}`,
      name: `tcp-${port}-v4`,
      address: `module.server["v"].vultr_firewall_rule.in["tcp-${port}-v4"]`,
    },
  );

test("a rule that no state knows was added by hand, unless it is about to be adopted", () => {
  const [known, byHand, coming] = [rule("1", 22), rule("2", 8080), rule("3", 443)];
  const changes = [change(coming.address, "create")];

  expect(strays({ ids: ["1", "x"], changes }, [known, byHand, coming])).toEqual([byHand]);
});
