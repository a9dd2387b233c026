import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ensureAccount } from "./account.ts";
import { cloudflareApi, cloudflareStore } from "./api.ts";
import { hostedBy } from "./dns.ts";
import { PERMISSION_GROUPS, zoneResource } from "./permissions.ts";

/**
 * The calls of cert-manager 1.20's solver, in its order, with a token that may edit the DNS of one zone:
 * https://github.com/cert-manager/cert-manager/blob/v1.20.0/pkg/issuer/acme/dns/cloudflare/cloudflare.go
 */
const FQDN = "_acme-challenge.example.com";
const EDGE = ["203.0.113.4", "2001:db8:ffff::4"];
let state: string;
let zoneId: string;
let call: (
  method: string,
  path: string,
  body?: unknown,
  bearer?: string,
) => Promise<{ status: number; result: unknown; errors: { code: number }[] }>;
let token: string;

const ago = (seconds: number) => new Date(Date.now() - seconds * 1000).toISOString();

beforeEach(async () => {
  state = mkdtempSync(join(tmpdir(), "infra-k3s-solver-"));
  const account = ensureAccount(state, { zone: "example.com" });
  zoneId = account.zones[0]?.id ?? "";
  const storage = { createBucket: async () => {}, deleteBucket: async () => true };
  const api = cloudflareApi(join(state, "clouds"), storage, EDGE);
  call = async (method, path, body, bearer = token) => {
    const { status, body: answer } = await api({
      method,
      host: "api.cloudflare.com",
      path: `/client/v4${path}`,
      headers: {},
      authorization: bearer === "" ? "" : `Bearer ${bearer}`,
      body: body === undefined ? "" : JSON.stringify(body),
    });
    return { status, ...(answer as { result: unknown; errors: { code: number }[] }) };
  };
  const groups = PERMISSION_GROUPS.filter(({ name }) => name === "DNS Write" || name === "Zone Read");
  const made = await call(
    "POST",
    `/accounts/${account.id}/tokens`,
    {
      name: "cert-manager",
      policies: [
        {
          effect: "allow",
          permission_groups: groups.map(({ id }) => ({ id })),
          resources: { [zoneResource(zoneId)]: "*" },
        },
      ],
    },
    account.tokens[0]?.value,
  );
  token = (made.result as { value: string }).value;
});
afterEach(() => rmSync(state, { recursive: true, force: true }));

const list = () => call("GET", `/zones/${zoneId}/dns_records?per_page=100&type=TXT&name=${FQDN}`);
const told = (lag: number) =>
  hostedBy(cloudflareStore(join(state, "clouds")).read(), FQDN, EDGE, lag)?.records.map(({ data }) => data);

async function present(content: string): Promise<string> {
  const made = await call("POST", `/zones/${zoneId}/dns_records`, {
    type: "TXT",
    name: FQDN,
    content,
    ttl: 120,
  });
  return (made.result as { id: string }).id;
}

test("the zone is found by trying each name upwards", async () => {
  expect((await call("GET", `/zones?name=${FQDN}`)).result).toEqual([]);
  expect((await call("GET", "/zones?name=example.com")).result).toMatchObject([
    { id: zoneId, name: "example.com" },
  ]);
});

test("two values of one name, as an apex and its wildcard need them, come and go each by itself", async () => {
  expect((await list()).result).toEqual([]);
  const [apex] = [await present("proof-of-apex"), await present("proof-of-wildcard")];
  expect((await list()).result).toMatchObject([
    { id: apex, name: FQDN, type: "TXT", content: "proof-of-apex" },
    { name: FQDN, content: "proof-of-wildcard" },
  ]);
  expect(told(0)).toEqual(["proof-of-apex", "proof-of-wildcard"]);

  expect(await call("DELETE", `/zones/${zoneId}/dns_records/${apex}`)).toMatchObject({
    status: 200,
    result: { id: apex },
  });
  expect(told(0)).toEqual(["proof-of-wildcard"]);
});

test("the name servers come to know of a record, and of its end, as late as they are told to", async () => {
  const id = await present("proof");
  expect(told(60)).toEqual([]);
  const store = cloudflareStore(join(state, "clouds"));
  store.change(({ records }) => records.forEach((record) => (record.created_on = ago(61))));
  expect(told(60)).toEqual(["proof"]);

  await call("DELETE", `/zones/${zoneId}/dns_records/${id}`);
  expect([told(60), told(0)]).toEqual([["proof"], []]);
  store.change(({ gone }) => gone?.forEach((record) => (record.gone_on = ago(61))));
  expect(told(60)).toEqual([]);
});

test("a wrong token is refused with a code that the solver passes on", async () => {
  expect(await call("GET", "/zones?name=example.com", undefined, "x".repeat(40))).toMatchObject({
    status: 403,
    errors: [{ code: 9109 }],
  });
});

test("anybody may ask where the edge asks from", async () => {
  expect(await call("GET", "/ips", undefined, "")).toMatchObject({
    status: 200,
    result: {
      ipv4_cidrs: ["203.0.113.4/32"],
      ipv6_cidrs: ["2001:db8:ffff::4/128"],
      etag: expect.any(String) as string,
    },
  });
});
