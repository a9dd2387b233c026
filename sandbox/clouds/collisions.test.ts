import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { loadCluster } from "../../src/config/load.ts";
import { collisionsAt } from "../../src/tools/inventory/collisions.ts";
import type { Api } from "../services/api.ts";
import { ensureAccount } from "./cloudflare/account.ts";
import { cloudflareApi, cloudflareStore } from "./cloudflare/api.ts";
import { ensureCredentials } from "./credentials.ts";
import { hetznerApi } from "./hetzner/api.ts";
import { FakeMachines } from "./machines.fake.ts";

const KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAICHRA4E9Al7FBv+3vCP8HV42mwKc64onw7JWL/LyMyrI";
const EXAMPLE = readFileSync(new URL("../../examples/three-clouds/cluster.yaml", import.meta.url), "utf8");
const loaded = loadCluster(`ssh: { publicKey: ${KEY} me }\n${EXAMPLE}`, "cluster.yaml");
if (!loaded.ok) throw new Error(JSON.stringify(loaded.diagnostics));
const model = loaded.value;

let state: string;
let secrets: Record<string, string>;
let apis: Record<string, Api>;

beforeEach(() => {
  state = mkdtempSync(join(tmpdir(), "infra-k3s-collisions-"));
  const account = ensureAccount(state, { id: model.cloudflare?.accountId ?? "", zone: "example.com" });
  secrets = {
    TF_VAR_hcloud_token: ensureCredentials(state).hetzner[0]?.token ?? "",
    TF_VAR_cloudflare_api_token: account.tokens[0]?.value ?? "",
  };
  const storage = { createBucket: async () => {}, deleteBucket: async () => true };
  apis = {
    "api.hetzner.cloud": hetznerApi(join(state, "clouds"), new FakeMachines()),
    "api.cloudflare.com": cloudflareApi(join(state, "clouds"), storage),
  };
  vi.stubGlobal("fetch", async (url: string, { method, headers, body = "" }: { method: string; headers: Record<string, string>; body?: string }) => {
    const { host, pathname, search } = new URL(url);
    const reply = await apis[host]?.({ method, host, path: pathname + search, headers: {}, authorization: headers["authorization"] ?? "", body });
    return Response.json(reply?.body ?? null, { status: reply?.status ?? 500 });
  }); // prettier-ignore
});
afterEach(() => {
  vi.unstubAllGlobals();
  rmSync(state, { recursive: true, force: true });
});

const whats = async (provider: "hetzner" | "cloudflare") =>
  (await collisionsAt(provider, { model, secrets })).map(({ what }) => what);

async function hetzner(path: string, body: object): Promise<void> {
  const authorization = `Bearer ${secrets["TF_VAR_hcloud_token"]}`;
  const request = {
    method: "POST",
    host: "api.hetzner.cloud",
    path: `/v1${path}`,
    headers: {},
    authorization,
  };
  expect((await apis["api.hetzner.cloud"]?.({ ...request, body: JSON.stringify(body) }))?.status).toBe(201);
}

test("Hetzner: what has our names or our key and not our label is in the way; what has the label is ours", async () => {
  expect(await whats("hetzner")).toEqual([]);
  await hetzner("/ssh_keys", { name: "laptop", public_key: `${KEY} x` });
  await hetzner("/firewalls", { name: "three-clouds-hetzner-1", labels: { "infra-k3s-cluster": "other" } });
  await hetzner("/servers", { name: "hetzner-1", server_type: "cx23", image: "debian-12", labels: { "infra-k3s-cluster": "three-clouds" } }); // prettier-ignore
  await hetzner("/servers", { name: "other", server_type: "cx23", image: "debian-12" });

  expect(await whats("hetzner")).toEqual([
    "Hetzner has a firewall three-clouds-hetzner-1 that is not this cluster's",
    "Hetzner has a ssh key laptop that is not this cluster's",
  ]);
});

test("Cloudflare: records of somebody else at the domain or its wildcard", async () => {
  const zone_id = cloudflareStore(join(state, "clouds")).read().zones[0]?.id ?? "";
  const post = (body: object) =>
    apis["api.cloudflare.com"]?.({
      method: "POST",
      host: "api.cloudflare.com",
      path: `/client/v4/zones/${zone_id}/dns_records`,
      headers: {},
      authorization: `Bearer ${secrets["TF_VAR_cloudflare_api_token"]}`,
      body: JSON.stringify({ ttl: 60, ...body }),
    });
  for (const name of ["example.com", "www.example.com"])
    await post({ type: "A", name, content: "192.0.2.1" });
  await post({
    type: "A",
    name: "*.example.com",
    content: "192.0.2.2",
    comment: "infra-k3s-cluster=three-clouds",
  });
  await post({ type: "TXT", name: "example.com", content: "v=spf1 -all" });

  expect(await whats("cloudflare")).toEqual([
    "Cloudflare has a record A example.com to 192.0.2.1 that is not this cluster's",
  ]);
});
