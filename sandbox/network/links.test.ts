import { expect, test } from "vitest";
import { both, currentLink, defaultLinks, hostEnd, networkEnd, toLinks } from "./links.ts";
import type { Plan } from "./plan.ts";

const PLAN: Plan = { name: "default", id: "default-0000", index: 1 };

test("a network's end holds all its addresses, EC2's private ones too", () => {
  expect(networkEnd(PLAN, "aws").prefixes).toEqual(["198.18.19.0/24", "172.31.16.0/24", "2001:db8:13::0/48"]);
  expect(hostEnd(PLAN, "vultr-1", "vultr", 11).prefixes).toEqual(["198.18.18.11/32", "2001:db8:12:b::1/128"]);
});

test("a host at home is known by the address of its NAT, too", () => {
  expect(hostEnd(PLAN, "home-1", "existing", 12).prefixes).toEqual([
    "198.18.20.12/32",
    "192.168.16.12/32",
    "2001:db8:14:c::1/128",
  ]);
});

test("Hetzner and Vultr are 12 ms apart, Hetzner and AWS 25 ms, both ways alike", () => {
  const ends = (["hetzner", "vultr", "aws"] as const).map((name) => networkEnd(PLAN, name));
  const delay = (a: number, b: number) => {
    const [from, to] = [ends[a], ends[b]];
    if (from === undefined || to === undefined) throw new Error("no such end");
    return currentLink(PLAN, [], from, to).delayMs;
  };

  expect([delay(0, 1), delay(1, 0), delay(0, 2), delay(2, 0)]).toEqual([6, 6, 12.5, 12.5]);
});

test("a host's link starts from its cloud's, and a change of it leaves the cloud's as it is", () => {
  const host = hostEnd(PLAN, "vultr-1", "vultr", 11);
  const [hetzner, vultr] = [networkEnd(PLAN, "hetzner"), networkEnd(PLAN, "vultr")];
  const before = currentLink(PLAN, [], host, hetzner);
  const changes = [{ ...before, loss: 30 }];

  expect(before.delayMs).toBe(6);
  expect(currentLink(PLAN, changes, host, hetzner)).toMatchObject({ delayMs: 6, loss: 30 });
  expect(currentLink(PLAN, changes, vultr, hetzner).loss).toBe(0);
});

test("the program gets everything in order: no distance, the default distances, what was asked", () => {
  const change = both({
    ...currentLink(PLAN, [], networkEnd(PLAN, "aws"), networkEnd(PLAN, "vultr")),
    down: true,
  });
  const { rules } = toLinks(PLAN, change);

  expect(rules[0]).toMatchObject({ from: ["0.0.0.0/0", "::/0"], delayMs: 0, down: false });
  expect(rules).toHaveLength(1 + defaultLinks(PLAN).length + 2);
  expect(rules.at(-1)).toMatchObject({ down: true, from: networkEnd(PLAN, "vultr").prefixes });
});
