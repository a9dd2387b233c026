import { expect, test } from "vitest";
import type { ResourceChange } from "../../tools/tofu/show.ts";
import { nodeOf, refusals, toChanges } from "./plan.ts";

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
const changes = (list: ResourceChange[], drift: ResourceChange[] = []) =>
  toChanges("servers", "hetzner", { changes: list, drift, outputs: [], values: {} });

test("says of each resource what happens to it, and why", () => {
  const firewall = 'module.server["hetzner-1"].hcloud_firewall.this';
  const told = changes(
    [change(SERVER, "replace", ["location"]), change(firewall, "update", ["rule"])],
    [change(firewall, "update", ["rule"])],
  );

  expect(told.map(({ action, resource, reason }) => `${action} ${resource}: ${reason}`)).toEqual([
    `delete hetzner: ${SERVER}: it can't be changed in place: location`,
    `update hetzner: ${firewall}: was changed behind its back: rule`,
  ]);
  expect(nodeOf(SERVER)).toBe("hetzner-1");
  expect(nodeOf("hcloud_ssh_key.admin[0]")).toBeUndefined();
});

test.each(["delete", "replace"] as const)("refuses to %s a server unless it is named exactly", (action) => {
  const told = changes([change(SERVER, action), change("hcloud_ssh_key.admin[0]", "delete")]);

  expect(refusals(told, []).map(({ what }) => what)).toEqual([
    `hetzner: ${SERVER} would be destroyed, with all that is on it; nothing was changed`,
  ]);
  expect(refusals(told, ["hetzner", "hetzner-10", "hcloud_server"])).toHaveLength(1);
  expect(refusals(told, [SERVER])).toEqual([]);
  expect(refusals(told, ["hetzner-1"])).toEqual([]);
});

test("creating and changing need no leave", () => {
  expect(refusals(changes([change(SERVER, "create"), change(SERVER, "update")]), [])).toEqual([]);
});
