import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ensureAccount } from "./account.ts";
import { cloudflareApi, cloudflareStore } from "./api.ts";
import { PERMISSION_GROUPS, type Permission, zoneResource } from "./permissions.ts";
import { type Account, billed } from "./state.ts";

interface Body {
  success: boolean;
  errors: { code: number }[];
  result: Record<string, unknown> & { id: string; value?: string };
}

let state: string;
let account: Account;
let storage: Set<string>;
let full: boolean;
let call: (
  method: string,
  path: string,
  body?: unknown,
  bearer?: string,
) => Promise<{ status: number; body: Body }>;

beforeEach(() => {
  state = mkdtempSync(join(tmpdir(), "infra-k3s-cloudflare-"));
  account = ensureAccount(state, { zone: "example.com" });
  storage = new Set();
  full = false;
  const api = cloudflareApi(join(state, "clouds"), {
    createBucket: async (name) => void storage.add(name),
    deleteBucket: async (name) => !full && storage.delete(name),
  });
  call = async (method, path, body, bearer = account.tokens[0]?.value ?? "") => {
    const reply = await api({
      method,
      host: "api.cloudflare.com",
      path: `/client/v4${path}`,
      headers: {},
      authorization: `Bearer ${bearer}`,
      body: body === undefined ? "" : JSON.stringify(body),
    });
    return { status: reply.status, body: reply.body as Body };
  };
});
afterEach(() => rmSync(state, { recursive: true, force: true }));

const said = ({ status, body }: { status: number; body: Body }) =>
  `${status} ${body.errors[0]?.code ?? "ok"}`;
const records = () => `/zones/${account.zones[0]?.id}/dns_records`;
const A = { type: "A", name: "*.example.com", content: "198.51.100.7", ttl: 60 };
const group = (permission: Permission) => ({
  id: PERMISSION_GROUPS.find(({ name }) => name === permission)?.id,
});

async function tokenFor(permission: Permission, resource: string, more: object = {}): Promise<string> {
  const { body } = await call("POST", `/accounts/${account.id}/tokens`, {
    name: permission,
    policies: [{ effect: "allow", permission_groups: [group(permission)], resources: { [resource]: "*" } }],
    ...more,
  });
  return body.result.value ?? "";
}

test("records are made, found, changed and deleted; a double is refused", async () => {
  const made = await call("POST", records(), A);
  const one = `${records()}/${made.body.result.id}`;

  expect([said(made), said(await call("POST", records(), A))]).toEqual(["200 ok", "400 81058"]);
  expect(said(await call("POST", records(), { ...A, type: "CNAME", content: "a.example.com" }))).toBe(
    "400 81053",
  );
  expect(said(await call("POST", records(), { ...A, content: "nowhere" }))).toBe("400 9005");
  expect((await call("GET", `${records()}?name=*.example.com&type=A`)).body.result).toMatchObject([
    { content: A.content },
  ]);
  expect((await call("PATCH", one, { proxied: true })).body.result).toMatchObject({ proxied: true, ttl: 1 });
  expect(said(await call("DELETE", one))).toBe("200 ok");
  expect([said(await call("GET", one)), billed(cloudflareStore(join(state, "clouds")).read())["records"]]).toEqual(["404 81044", 0]); // prettier-ignore
});

test("a token may what its policies say, on what they say, as long as it is valid", async () => {
  const zone = zoneResource(account.zones[0]?.id ?? "");
  const dns = await tokenFor("DNS Write", zone);
  const reader = await tokenFor("DNS Read", zone);
  const elsewhere = await tokenFor("DNS Write", zoneResource("0".repeat(32)));
  const expired = await tokenFor("DNS Write", zone, { expires_on: "2020-01-01T00:00:00Z" });
  const bucket = { name: "some-bucket" };

  expect(said(await call("POST", records(), A, dns))).toBe("200 ok");
  expect(said(await call("GET", records(), undefined, reader))).toBe("200 ok");
  expect(said(await call("POST", records(), A, reader))).toBe("403 10000");
  expect(said(await call("POST", records(), A, elsewhere))).toBe("403 10000");
  expect(said(await call("POST", records(), A, expired))).toBe("403 9109");
  expect(said(await call("GET", "/user/tokens/verify", undefined, expired))).toBe("401 1000");
  expect(said(await call("GET", "/user/tokens/verify", undefined, dns))).toBe("200 ok");
  expect(said(await call("POST", `/accounts/${account.id}/r2/buckets`, bucket, dns))).toBe("403 10000");
  expect(said(await call("GET", "/zones", undefined, "short"))).toBe("400 6003");
  expect((await call("GET", "/zones", undefined, dns)).body.result).toEqual([]);
});

test("a token's value is told once", async () => {
  const value = await tokenFor("DNS Write", zoneResource("x"));
  const list = await call("GET", `/accounts/${account.id}/tokens`);

  expect(value).toHaveLength(40);
  expect(JSON.stringify(list)).not.toContain(value);
});

test("buckets are the S3 server's; one that is not empty stays", async () => {
  const buckets = `/accounts/${account.id}/r2/buckets`;
  await call("POST", buckets, { name: "demo-backups" });
  const lock = { rules: [{ id: "keep", enabled: true, prefix: "etcd/", condition: { type: "Age", maxAgeSeconds: 60 } }] }; // prettier-ignore

  expect(storage).toEqual(new Set(["demo-backups"]));
  expect(said(await call("POST", buckets, { name: "demo-backups" }))).toBe("409 10004");
  expect(said(await call("PUT", `${buckets}/demo-backups/lock`, lock))).toBe("200 ok");
  expect((await call("GET", `${buckets}/demo-backups/lock`)).body.result).toEqual(lock);
  full = true;
  expect(said(await call("DELETE", `${buckets}/demo-backups`))).toBe("409 10008");
  full = false;
  expect(said(await call("DELETE", `${buckets}/demo-backups`))).toBe("200 ok");
  expect(said(await call("GET", `${buckets}/demo-backups`))).toBe("404 10006");
});

test("what is not simulated says so", async () => {
  expect(said(await call("GET", "/memberships"))).toBe("501 7000");
});
