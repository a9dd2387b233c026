import { expect, test } from "vitest";
import { readIds, readPlan } from "./show.ts";

/** As OpenTofu 1.12.6 prints it, shortened to what is read. */
const change = (address: string, actions: string[], more: Record<string, unknown> = {}) => ({
  address,
  mode: "managed",
  type: address.split(".")[0],
  change: {
    actions,
    before: null,
    after: null,
    after_unknown: {},
    before_sensitive: false,
    after_sensitive: false,
    ...more,
  },
});
const read = (resources: unknown[], more: Record<string, unknown> = {}) =>
  readPlan(JSON.stringify({ format_version: "1.2", resource_changes: resources, ...more }));

test("no-ops, reads of data sources and unchanged outputs are no changes", () => {
  const plan = read(
    [change("hcloud_server.a", ["no-op"]), { ...change("aws_ami.debian", ["read"]), mode: "data" }],
    { output_changes: { servers: { actions: ["no-op"] } } },
  );
  expect(plan).toEqual({ changes: [], drift: [], outputs: [], values: {}, ids: [] });
});

test.each([
  [["create"], "create"],
  [["update"], "update"],
  [["delete"], "delete"],
  [["delete", "create"], "replace"],
  [["create", "delete"], "replace"],
  [["forget"], "forget"],
])("%j is %s", (actions, expected) => {
  expect(read([change("hcloud_server.a", actions)]).changes[0]?.action).toBe(expected);
});

test("a resource adopted as it is", () => {
  const plan = read([change("hcloud_server.a", ["no-op"], { importing: { id: "42" } })]);
  expect(plan.changes[0]?.action).toBe("import");
});

test("tells which attributes differ, unknown ones too, and keeps sensitive values to itself", () => {
  const [found] = read([
    change("cloudflare_api_token.dns", ["update"], {
      before: { name: "dns", status: "active", value: "CANARY-1", nested: [{ key: "CANARY-2" }] },
      after: { name: "dns", status: "disabled", value: "CANARY-3", nested: [{ key: "CANARY-4" }] },
      after_unknown: { modified_on: true, policies: [{}] },
      before_sensitive: { value: true, nested: [{ key: true }] },
      after_sensitive: { value: true, nested: [{ key: true }] },
    }),
  ]).changes;
  expect(found?.attributes).toEqual(["modified_on", "nested", "status", "value"]);
  expect(found?.before).toEqual({ name: "dns", status: "active" });
  expect(found?.after).toEqual({ name: "dns", status: "disabled" });
  expect(JSON.stringify(found)).not.toContain("CANARY");
});

test("what was done behind its back, and outputs that change alone", () => {
  const plan = read([], {
    resource_drift: [change("hcloud_firewall.a", ["update"], { before: { rule: [] }, after: { rule: [1] } })],
    output_changes: { servers: { actions: ["update"] } },
  });
  expect(plan.drift.map(({ address, attributes }) => [address, attributes])).toEqual([
    ["hcloud_firewall.a", ["rule"]],
  ]);
  expect(plan.outputs).toEqual(["servers"]);
});

const resource = (mode: string, id: unknown) => ({ mode, values: { id } });

test("the ids of a state, of every module, and of nothing that is only read", () => {
  const root_module = {
    resources: [resource("managed", "1"), resource("data", "2")],
    child_modules: [{ resources: [resource("managed", "3"), resource("managed", null)] }],
  };
  expect(readIds(JSON.stringify({ values: { root_module } }))).toEqual(["1", "3"]);
  expect(readIds("{}")).toEqual([]);
});
