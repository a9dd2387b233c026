import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { loadCluster } from "../../config/load.ts";
import type { Offer } from "../../tools/offers/offer.ts";
import { costOf, unavailable } from "./cost.ts";

const EXAMPLE = readFileSync(new URL("../../../examples/three-clouds/cluster.yaml", import.meta.url), "utf8");

function model(text = EXAMPLE) {
  const loaded = loadCluster(text, "cluster.yaml");
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.diagnostics));
  return loaded.value;
}

const offer = (size: string, monthly: number, more: Partial<Offer> = {}): Offer => ({
  size,
  region: "fsn1",
  available: true,
  arch: "amd64",
  cores: 4,
  note: "",
  memoryGb: 8,
  currency: "EUR",
  monthly,
  ...more,
});
const OFFERS = {
  hetzner: [
    offer("cx33", 4.99),
    offer("cx43", 8.99, { cores: 8, memoryGb: 16 }),
    offer("cpx32", 9.5),
    offer("cx23", 2.99, { cores: 2, memoryGb: 4 }),
    offer("cpx21", 3.99, { arch: "arm64" }),
    offer("ccx13", 12, { region: "ash" }),
  ],
  vultr: "unknown: nobody was asked",
};

test("adds up what is known by currency, and says what is not known", () => {
  const { totals, items } = costOf(model(), OFFERS);

  expect(totals).toEqual([{ currency: "EUR", monthly: 4.99 }]);
  expect(items.map(({ node, monthly, note }) => [node, monthly, note])).toEqual([
    ["hetzner-1", 4.99, ""],
    ["vultr-1", null, "unknown: nobody was asked"],
    ["aws-1", null, "unknown"],
  ]);
});

test.each([
  ["cx33", "is sold out in fsn1", "cx43", { sold: "cx33" }],
  ["cx99", "hetzner has no size cx99", "cx23", {}],
  ["ccx13", "ccx13 is not sold in fsn1", "cx33", {}],
  ["cpx21", "cpx21 is arm64, and the node is declared amd64", "cx33", {}],
])(
  "a size that can't be had (%s) comes with the cheapest that is no smaller",
  (size, why, best, { sold }: { sold?: string }) => {
    const hetzner = OFFERS.hetzner.map((one) => ({ ...one, available: one.size !== sold }));
    const [fault, ...more] = unavailable(model(EXAMPLE.replace("cx33", size)), {}, { hetzner });

    expect(more).toEqual([]);
    expect(fault?.what).toBe("hetzner-1 can't be created");
    expect(fault?.why).toContain(why);
    expect(fault?.fix).toMatch(new RegExp(`^size: ${best} `));
  },
);

test("a region that is none comes with those that are; a server that is there needs no offer", () => {
  const text = EXAMPLE.replace("fsn1", "fsn2").replace("cx33", "cx99");
  const server = { publicIp: "198.51.100.7", sshUser: "root", sshHostKey: "ssh-ed25519 AAAA" };

  expect(unavailable(model(text), {}, OFFERS)[0]?.why).toBe("hetzner has no region fsn2; regions: ash, fsn1");
  expect(unavailable(model(text), { "hetzner-1": server }, OFFERS)).toEqual([]);
});
