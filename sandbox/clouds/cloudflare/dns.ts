import type { Hosted } from "../../services/dns.ts";
import type { Account, DnsRecord } from "./state.ts";

const SERVERS = ["ada.ns.cloudflare.com", "bob.ns.cloudflare.com"];

/** What the zone that a name lies in says of it; undefined where the account has no such zone. */
export function hostedBy(account: Account, asked: string): Hosted | undefined {
  const zone = account.zones.find(({ name }) => asked === name || asked.endsWith(`.${name}`));
  if (zone === undefined) return undefined;
  const own = account.records.filter(({ zone_id }) => zone_id === zone.id);
  const apex = asked === zone.name;
  const found = apex || exists(own, asked) ? own.filter(({ name }) => name === asked) : wildcard(own, asked, zone.name); // prettier-ignore
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
    records: [...authority, ...(found ?? []).flatMap(answered)],
  };
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

/** A proxied record is answered with the edge's addresses, and there is no edge yet: the name exists and has none. */
function answered({ type, content, ttl, proxied }: DnsRecord): Hosted["records"] {
  return proxied ? [] : [{ type, ttl: ttl === 1 ? 300 : ttl, data: content.replace(/^"(.*)"$/, "$1") }];
}
