import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as ec2 from "@aws-sdk/client-ec2";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { checkAws } from "../../src/doctor/credentials/aws.ts";
import { checkCloudflare } from "../../src/doctor/credentials/cloudflare.ts";
import { checkHetzner } from "../../src/doctor/credentials/hetzner.ts";
import { checkVultr } from "../../src/doctor/credentials/vultr.ts";
import type { Api } from "../services/api.ts";
import { FakeWire } from "./aws/wire.fake.ts";
import { ensureAccount } from "./cloudflare/account.ts";
import { cloudflareApi, cloudflareStore } from "./cloudflare/api.ts";
import { type Credentials, credentialsStore, ensureCredentials } from "./credentials.ts";
import { hetznerApi, hetznerStore } from "./hetzner/api.ts";
import { FakeMachines } from "./machines.fake.ts";
import { vultrApi } from "./vultr/api.ts";

let state: string;
let credentials: Credentials;
const ACCOUNT = "a1".repeat(16);
const AT = { accountId: ACCOUNT, zone: "example.com", proxied: true, tunnel: true, stateBucket: "s", backupBucket: "b", backupLockDays: 7, volumeBackups: { schedule: "7 * * * *", ttl: "336h" } }; // prettier-ignore

beforeEach(() => {
  state = mkdtempSync(join(tmpdir(), "infra-k3s-credentials-"));
  credentials = ensureCredentials(state);
  ensureAccount(state, { id: ACCOUNT, zone: "example.com" });
  const folder = join(state, "clouds");
  const storage = { createBucket: async () => {}, deleteBucket: async () => true };
  const apis: Record<string, Api> = {
    "api.hetzner.cloud": hetznerApi(folder, new FakeMachines()),
    "api.vultr.com": vultrApi(folder, new FakeMachines()),
    "api.cloudflare.com": cloudflareApi(folder, storage),
  };
  vi.stubGlobal("fetch", async (url: string, { method, headers, body = "" }: { method: string; headers: Record<string, string>; body?: string }) => {
    const { host, pathname, search } = new URL(url);
    const request = { method, host, path: pathname + search, headers: {}, client: "198.18.5.2", authorization: headers["authorization"] ?? "", body };
    const reply = await apis[host]?.(request);
    return Response.json(reply?.body ?? null, { status: reply?.status ?? 500 });
  }); // prettier-ignore
});
afterEach(() => {
  vi.unstubAllGlobals();
  rmSync(state, { recursive: true, force: true });
});

const change = (work: (known: Credentials) => unknown) =>
  credentialsStore(state).change((known) => void work(known));

test("Hetzner: reads and writes, only reads, unknown; and nothing is made", async () => {
  change(({ hetzner }) => hetzner.push({ token: "r".repeat(64), access: "read" }));

  expect((await checkHetzner(credentials.hetzner[0]?.token ?? "")).state).toBe("ok");
  expect(await checkHetzner("r".repeat(64))).toMatchObject({ state: "failed", message: expect.stringMatching(/Read & Write/) as string }); // prettier-ignore
  expect(await checkHetzner("x".repeat(64))).toMatchObject({ state: "failed", message: expect.stringMatching(/does not know/) as string }); // prettier-ignore
  expect(hetznerStore(join(state, "clouds")).read().servers).toEqual([]);
});

const vultrSays = async (key: string) => Object.values(await checkVultr(key)).join(": ");

test("Vultr: what the user lacks is named, as is an address that is not let in", async () => {
  change(({ vultr }) =>
    vultr?.push(
      { key: "VIEW", acls: ["subscriptions_view"] },
      { key: "AWAY", acls: ["provisioning"], from: ["192.0.2.1"] },
      { key: "OLD", acls: ["manage_users"], expires: "2020-01-01T00:00:00Z" },
    ),
  );
  expect(await vultrSays(credentials.vultr?.[0]?.key ?? "")).toMatch(/^ok: makes and destroys servers/);
  expect(await vultrSays("VIEW")).toBe("failed: the key's user lacks subscriptions, provisioning, firewall");
  expect(await vultrSays("AWAY")).toMatch(
    /^failed: the key is not good from this address[^]*: let this machine's/,
  );
  expect(await vultrSays("OLD")).toMatch(/^failed: Vultr does not know the key/);
});

test("Cloudflare: each permission that is lacking is named; an expired token, a zone of another account", async () => {
  const store = cloudflareStore(join(state, "clouds"));
  const token = store.read().tokens[0]?.value ?? "";
  const said = async (at = AT, value = token) => Object.values(await checkCloudflare(value, at)).join(": ");

  expect(await said()).toMatch(/^ok: may all that is needed/);
  expect(await said({ ...AT, zone: "example.org" })).toMatch(/^failed: the token sees no zone example\.org/);
  expect(await said({ ...AT, accountId: "b2".repeat(16) })).toMatch(
    /^failed: .* of another account than b2b2/,
  );
  expect(await said(AT, "w".repeat(40))).toMatch(/^failed: Cloudflare does not know the token/);
  store.change(({ tokens }) => {
    for (const policy of tokens[0]?.policies ?? [])
      policy.permission_groups = policy.permission_groups.slice(0, -1);
  });
  expect(await said()).toBe(
    "failed: the token lacks DNS Write on the zone, Cloudflare Tunnel Write on the account",
  );
  store.change(({ tokens }) => Object.assign(tokens[0] ?? {}, { expires_on: "2020-01-01T00:00:00Z" }));
  expect(await said()).toMatch(/^failed: Cloudflare does not know the token/);
});

test("AWS: what the policy lacks is named by its action; a wrong key", async () => {
  const wire = new FakeWire();
  const said = async (key = {}) => {
    const { state: how, message } = await checkAws({ ec2, client: wire.ec2(key) }, "eu-central-1");
    return `${how}: ${message}`;
  };
  const lesser = wire.addKey({ user: "lesser", accessKeyId: "AKIALESSERLESSERLESS", secretAccessKey: "s".repeat(40), allow: ["ec2:Describe*", "ec2:ImportKeyPair"] }); // prettier-ignore

  expect(await said()).toMatch(/^ok: makes servers in eu-central-1/);
  expect(await said(lesser)).toMatch(
    /^failed: the key's user lacks ec2:RunInstances, ec2:CreateSecurityGroup, ec2:CreateTags in/,
  );
  expect(await said({ secretAccessKey: "wrong" })).toMatch(
    /^failed: AWS does not know the key[^]*AuthFailure/,
  );
  expect(wire.store.read().regions["eu-central-1"]?.instances ?? []).toEqual([]);
  wire.close();
});
