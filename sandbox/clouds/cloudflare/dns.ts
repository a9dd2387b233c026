import type { Hosted } from "../../services/dns.ts";
import type { Account, DnsRecord, Zone } from "./state.ts";

const SERVERS = ["ada.ns.cloudflare.com", "bob.ns.cloudflare.com"];

/** What the zone that a name lies in says of it; undefined where the account has no such zone. */
export function hostedBy(
  whole: Account,
  asked: string,
  edge: readonly string[],
  lagSeconds = 0,
): Hosted | undefined {
  const account = published(whole, lagSeconds);
  const zone = zoneOf(account, asked);
  if (zone === undefined) return undefined;
  const found = recordsOf(account, zone, asked);
  const apex = asked === zone.name;
  const authority = apex ? SERVERS.map((data) => ({ type: "NS" as const, ttl: 86_400, data })) : [];
  const soa = {
    mname: SERVERS[0] ?? "",
    rname: "dns.cloudflare.com",
    serial: 1,
    refresh: 10_000,
    retry: 2400,
    expire: 604_800,
    minimum: 60,
  };
  return {
    zone: zone.name,
    soa,
    exists: found !== undefined,
    records: [...authority, ...answered(found ?? [], edge)],
  };
}

/** What the name servers know by now: what was made or deleted in the last so many seconds has not come to them. */
function published(account: Account, lagSeconds: number): Account {
  const before = Date.now() - lagSeconds * 1000;
  if (lagSeconds === 0) return account;
  const gone = (account.gone ?? []).filter(({ gone_on }) => Date.parse(gone_on) > before);
  const records = [...account.records, ...gone];
  return { ...account, records: records.filter(({ created_on }) => Date.parse(created_on) <= before) };
}

/** Where the edge finds what a proxied name stands for; undefined where the name has no proxied record. */
export function originsOf(account: Account, asked: string): { zone: Zone; origins: string[] } | undefined {
  const zone = zoneOf(account, asked);
  const proxied = zone && recordsOf(account, zone, asked)?.filter((record) => record.proxied);
  if (zone === undefined || proxied === undefined || proxied.length === 0) return undefined;
  return { zone, origins: proxied.filter(({ type }) => type !== "CNAME").map(({ content }) => content) };
}

const zoneOf = ({ zones }: Account, asked: string) =>
  zones.find(({ name }) => asked === name || asked.endsWith(`.${name}`));

/** The records of a name or of the wildcard that stands for it; undefined where there is no such name. */
function recordsOf(account: Account, zone: Zone, asked: string): DnsRecord[] | undefined {
  const own = account.records.filter(({ zone_id }) => zone_id === zone.id);
  return asked === zone.name || exists(own, asked)
    ? own.filter(({ name }) => name === asked)
    : wildcard(own, asked, zone.name);
}

/** A name is there when it has a record, or when a name below it has one. */
function exists(records: readonly DnsRecord[], name: string): boolean {
  return records.some((record) => record.name === name || record.name.endsWith(`.${name}`));
}

/** The wildcard of the closest name that is there: https://www.rfc-editor.org/rfc/rfc4592#section-3.3.1 */
function wildcard(records: readonly DnsRecord[], name: string, apex: string): DnsRecord[] | undefined {
  for (let parent = above(name); ; parent = above(parent)) {
    const found = records.filter((record) => record.name === `*.${parent}`);
    if (found.length > 0) return found;
    if (parent === apex || exists(records, parent)) return undefined;
  }
}

const above = (name: string) => name.slice(name.indexOf(".") + 1);

/** A proxied name has the edge's addresses, of both families whatever its records are. */
function answered(records: readonly DnsRecord[], edge: readonly string[]): Hosted["records"][number][] {
  const own = records.filter(({ proxied }) => !proxied);
  const atEdge = own.length < records.length ? edge : [];
  return [
    ...own.map(({ type, content, ttl }) => ({
      type,
      ttl: ttl === 1 ? 300 : ttl,
      data: content.replace(/^"(.*)"$/, "$1"),
    })),
    ...atEdge.map((data) => ({
      type: data.includes(":") ? ("AAAA" as const) : ("A" as const),
      ttl: 300,
      data,
    })),
  ];
}
