import { z } from "zod";
import { hex } from "../credentials.ts";
import { ok, page, parseBody, Refusal } from "./answer.ts";
import type { Routes } from "./api.ts";
import { zoneResource } from "./permissions.ts";
import type { Account, DnsRecord, Zone } from "./state.ts";

const RecordSchema = z.object({
  name: z.string().min(1),
  type: z.enum(["A", "AAAA", "CNAME", "TXT"]),
  content: z.string().min(1),
  // 1 is "automatic".
  ttl: z.union([z.literal(1), z.number().min(60).max(86_400)]).default(1),
  proxied: z.boolean().default(false),
  comment: z.string().max(100).nullable().default(null),
  tags: z.array(z.string()).default([]),
});
const SettingSchema = z.object({ value: z.unknown() }).loose();

/** More than a test deletes within the longest lag. */
const GONE = 50;

const ofZone = (_: Account, id: string | undefined) => zoneResource(id ?? "");

/** Zones, their settings and records. */
export const zoneRoutes: Routes = {
  "GET /client/v4/zones": {
    // A token sees the zones it may read.
    needs: undefined,
    answer: ({ account, query, may }) =>
      page(
        account.zones
          .filter(({ id }) => may("Zone Read", zoneResource(id)))
          .filter(({ name }) => query.get("name") === null || name === query.get("name"))
          .filter(() => [null, account.id].includes(query.get("account.id")))
          .map((zone) => show(account, zone)),
        query,
      ),
  },
  "GET /client/v4/zones/{id}": {
    needs: ["Zone Read", ofZone],
    answer: ({ account, parameters }) => ok(show(account, find(account, parameters["id"]))),
  },
  "GET /client/v4/zones/{id}/settings/{setting}": {
    needs: ["Zone Settings Read", ofZone],
    answer: ({ account, parameters }) => ok(setting(find(account, parameters["id"]), parameters["setting"])),
  },
  "PATCH /client/v4/zones/{id}/settings/{setting}": {
    needs: ["Zone Settings Write", ofZone],
    answer: ({ change, parameters, body }) =>
      change((account) => {
        const zone = find(account, parameters["id"]);
        zone.settings[parameters["setting"] ?? ""] = parseBody(SettingSchema, body).value;
        return ok(setting(zone, parameters["setting"]));
      }),
  },
  "GET /client/v4/zones/{id}/dns_records": {
    needs: ["DNS Read", ofZone],
    answer: ({ account, parameters, query }) => {
      const wanted = (["name", "type", "content", "comment"] as const).flatMap((field) => {
        const value = query.get(field) ?? query.get(`${field}.exact`);
        return value === null ? [] : [[field, value] as const];
      });
      const all = account.records.filter(
        (record) =>
          record.zone_id === parameters["id"] && wanted.every(([field, value]) => record[field] === value),
      );
      return page(all.map(shown), query, 100);
    },
  },
  "POST /client/v4/zones/{id}/dns_records": {
    needs: ["DNS Write", ofZone],
    answer: ({ change, parameters, body }) =>
      change((account) => {
        const zone = find(account, parameters["id"]);
        const now = new Date().toISOString();
        const asked = check(zone, parseBody(RecordSchema, body));
        const record = { id: hex(32), zone_id: zone.id, ...asked, created_on: now, modified_on: now };
        refuseDouble(account, record);
        account.records.push(record);
        return ok(shown(record));
      }),
  },
  "GET /client/v4/zones/{id}/dns_records/{record}": {
    needs: ["DNS Read", ofZone],
    answer: ({ account, parameters }) => ok(shown(findRecord(account, parameters))),
  },
  ...Object.fromEntries(
    (["PUT", "PATCH"] as const).map((method) => [
      `${method} /client/v4/zones/{id}/dns_records/{record}`,
      {
        needs: ["DNS Write", ofZone],
        answer: ({ change, parameters, body }) =>
          change((account) => {
            const record = findRecord(account, parameters);
            const before = method === "PATCH" ? record : {};
            const text = JSON.stringify({ ...before, ...(JSON.parse(body) as object) });
            const next = {
              ...record,
              ...check(find(account, record.zone_id), parseBody(RecordSchema, text)),
            };
            refuseDouble(account, next);
            Object.assign(record, next, { modified_on: new Date().toISOString() });
            return ok(shown(record));
          }),
      } satisfies Routes[string],
    ]),
  ),
  "DELETE /client/v4/zones/{id}/dns_records/{record}": {
    needs: ["DNS Write", ofZone],
    answer: ({ change, parameters }) =>
      change((account) => {
        const record = findRecord(account, parameters);
        account.records = account.records.filter((one) => one !== record);
        account.gone = [...(account.gone ?? []), { ...record, gone_on: new Date().toISOString() }].slice(
          -GONE,
        );
        return ok({ id: record.id });
      }),
  },
};

function find(account: Account, id: string | undefined): Zone {
  const zone = account.zones.find((one) => one.id === id);
  if (zone === undefined) throw new Refusal(404, 7003, "Could not route to the zone, perhaps your object identifier is invalid?"); // prettier-ignore
  return zone;
}

function findRecord(account: Account, parameters: Readonly<Record<string, string>>): DnsRecord {
  const record = account.records.find(
    ({ id, zone_id }) => id === parameters["record"] && zone_id === parameters["id"],
  );
  if (record === undefined) throw new Refusal(404, 81044, "Record does not exist.");
  return record;
}

function check(zone: Zone, record: z.output<typeof RecordSchema>): z.output<typeof RecordSchema> {
  const name = record.name === "@" ? zone.name : record.name;
  const whole = name === zone.name || name.endsWith(`.${zone.name}`) ? name : `${name}.${zone.name}`;
  if (record.type === "A" && !/^\d+\.\d+\.\d+\.\d+$/.test(record.content))
    throw new Refusal(400, 9005, "Content for A record must be a valid IPv4 address.");
  if (record.type === "AAAA" && !record.content.includes(":"))
    throw new Refusal(400, 9005, "Content for AAAA record must be a valid IPv6 address.");
  if (record.proxied && record.type === "TXT")
    throw new Refusal(400, 9004, "This record type cannot be proxied.");
  return { ...record, name: whole.toLowerCase(), ttl: record.proxied ? 1 : record.ttl };
}

function refuseDouble({ records }: Account, record: DnsRecord): void {
  for (const other of records) {
    if (other.id === record.id || other.name !== record.name) continue;
    if (other.type === record.type && other.content === record.content)
      throw new Refusal(400, 81058, "An identical record already exists.");
    const addresses = new Set(["A", "AAAA", "CNAME"]);
    if (
      (other.type === "CNAME") !== (record.type === "CNAME") &&
      addresses.has(other.type) &&
      addresses.has(record.type)
    )
      throw new Refusal(400, 81053, "An A, AAAA, or CNAME record with that host already exists.");
  }
}

const shown = (record: DnsRecord) => ({
  ...record,
  proxiable: record.type !== "TXT",
  settings: {},
  meta: {},
  comment_modified_on: record.modified_on,
  tags_modified_on: record.modified_on,
});

function show(account: Account, { id, name }: Zone) {
  return {
    id,
    name,
    status: "active",
    paused: false,
    type: "full",
    development_mode: 0,
    name_servers: ["ada.ns.cloudflare.com", "bob.ns.cloudflare.com"],
    original_name_servers: [],
    account: { id: account.id, name: account.name },
    owner: { id: null, type: "user", email: null },
    plan: { id: "0feeeeeeeeeeeeeeeeeeeeeeeeeeeeee", name: "Free Website" },
    created_on: "2026-01-01T00:00:00Z",
    modified_on: "2026-01-01T00:00:00Z",
    activated_on: "2026-01-01T00:00:00Z",
  };
}

const setting = ({ settings }: Zone, id = "") => ({
  id,
  value: settings[id] ?? (id === "ssl" ? "full" : "off"),
  editable: true,
  modified_on: null,
});
