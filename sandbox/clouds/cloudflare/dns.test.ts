import type { Packet, RecordType } from "dns-packet";
import { decode, encode } from "dns-packet";
import { expect, test } from "vitest";
import { answer } from "../../services/dns.ts";
import { hostedBy } from "./dns.ts";
import { type Account, type DnsRecord, NO_ACCOUNT } from "./state.ts";

const record = (
  type: DnsRecord["type"],
  name: string,
  content: string,
  more: Partial<DnsRecord> = {},
): DnsRecord => ({
  id: name,
  zone_id: "z",
  name,
  type,
  content,
  ttl: 60,
  proxied: false,
  comment: null,
  tags: [],
  created_on: "",
  modified_on: "",
  ...more,
});
const ACCOUNT: Account = {
  ...NO_ACCOUNT,
  zones: [{ id: "z", name: "example.com", settings: {} }],
  records: [
    record("A", "example.com", "198.51.100.1"),
    record("A", "example.com", "198.51.100.2"),
    record("A", "*.example.com", "198.51.100.3"),
    record("AAAA", "*.example.com", "2001:db8::3"),
    record("CNAME", "www.example.com", "example.com"),
    record("TXT", "_acme-challenge.a.b.example.com", '"proof"'),
    record("A", "edge.example.com", "198.51.100.9", { proxied: true }),
  ],
};

const EDGE = ["203.0.113.4", "2001:db8:ffff::4"];

function ask(name: string, type: RecordType = "A"): Packet {
  const query = encode({ type: "query", id: 7, flags: 0x100, questions: [{ type, name }] });
  return decode(encode(answer(decode(query), new Map(), (one) => hostedBy(ACCOUNT, one, EDGE))));
}

/** The data of the answers, or the code of the refusal. */
function told(name: string, type?: RecordType): unknown[] {
  const { answers = [], flags = 0 } = ask(name, type);
  if ((flags & 0xf) !== 0) return [flags & 0xf];
  return answers.map((one) =>
    "data" in one && Array.isArray(one.data) ? one.data.join("") : (one as { data?: unknown }).data,
  );
}

test("every address of a name, IPv4 and IPv6, and what a wildcard stands for", () => {
  expect(told("example.com")).toEqual(["198.51.100.1", "198.51.100.2"]);
  expect(told("Anything.Example.COM")).toEqual(["198.51.100.3"]);
  expect(told("one.below.example.com", "AAAA")).toEqual(["2001:db8::3"]);
});

test("a wildcard stands for nothing below a name that is there", () => {
  expect(told("x.www.example.com")).toEqual([3]);
  expect(told("b.example.com")).toEqual([]);
  expect(told("x.b.example.com")).toEqual([3]);
});

test("an alias is followed; text is told without its quotes", () => {
  expect(told("www.example.com")).toEqual(["example.com", "198.51.100.1", "198.51.100.2"]);
  expect(told("www.example.com", "CNAME")).toEqual(["example.com"]);
  expect(told("_acme-challenge.a.b.example.com", "TXT")).toEqual(["proof"]);
});

test("the zone has name servers and a SOA, which comes with what is not there", () => {
  expect(told("example.com", "NS")).toEqual(["ada.ns.cloudflare.com", "bob.ns.cloudflare.com"]);
  expect(ask("example.com", "SOA").answers).toMatchObject([{ type: "SOA", name: "example.com" }]);
  expect(ask("x.www.example.com").authorities).toMatchObject([{ type: "SOA", name: "example.com" }]);
  expect(ask("example.com", "TXT").authorities).toMatchObject([{ type: "SOA" }]);
});

test("a zone that nobody has does not exist; a proxied record is answered with the edge's addresses", () => {
  expect(told("example.org")).toEqual([3]);
  expect(told("notexample.com")).toEqual([3]);
  expect(told("edge.example.com")).toEqual(["203.0.113.4"]);
  expect(told("edge.example.com", "AAAA")).toEqual(["2001:db8:ffff::4"]);
});
