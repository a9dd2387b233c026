import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { hetznerOffers } from "../../../src/tools/offers/hetzner.ts";
import { ensureCredentials } from "../credentials.ts";
import { FakeMachines } from "../machines.fake.ts";
import { hetznerApi, hetznerStore } from "./api.ts";

let state: string;
let token: string;
/** What comes in place of the next answers. */
let instead: Response[];
let asked = 0;

beforeEach(() => {
  state = mkdtempSync(join(tmpdir(), "infra-k3s-offers-"));
  token = ensureCredentials(state).hetzner[0]?.token ?? "";
  instead = [];
  asked = 0;
  const api = hetznerApi(join(state, "clouds"), new FakeMachines());
  vi.stubGlobal("fetch", async (url: string, { headers }: { headers: { authorization: string } }) => {
    asked += 1;
    const early = instead.shift();
    if (early !== undefined) return early;
    const { host, pathname, search } = new URL(url);
    const { authorization } = headers;
    const request = { method: "GET", host, path: pathname + search, headers: {}, authorization, body: "" };
    const { status, body } = await api(request);
    return Response.json(body, { status });
  });
});
afterEach(() => {
  vi.unstubAllGlobals();
  rmSync(state, { recursive: true, force: true });
});

test("every size at every place, with its price, and whether it can be had", async () => {
  hetznerStore(join(state, "clouds")).change((project) => void project.soldOut.push("cx33@nbg1"));
  const offers = await hetznerOffers(token);

  expect(offers).toHaveLength(19);
  expect(offers.filter(({ size }) => size === "cx33")).toMatchObject([
    {
      region: "fsn1",
      available: true,
      arch: "amd64",
      monthly: 5.49,
      currency: "EUR",
      note: "server 4.99, IPv4 address 0.50",
    },
    { region: "nbg1", available: false },
    { region: "hel1", available: true },
  ]);
});

test("comes back when it was told to wait, and says what a wrong token is", async () => {
  instead = [new Response("slow down", { status: 429, headers: { "retry-after": "0.01" } })];

  expect(await hetznerOffers(token)).toHaveLength(19);
  expect(asked).toBe(3);
  await expect(hetznerOffers("wrong")).rejects.toThrow(
    /Hetzner does not accept the token\s+why: it answered 401[\s\S]+TF_VAR_hcloud_token/,
  );
});
