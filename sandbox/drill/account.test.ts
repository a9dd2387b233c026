import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { cloudflareStore } from "../clouds/cloudflare/api.ts";
import { accountResource, bucketResource, may, zoneResource } from "../clouds/cloudflare/permissions.ts";
import { seedAccount } from "./account.ts";
import type { State } from "./tofu-state.ts";

const stateDir = mkdtempSync(join(tmpdir(), "infra-k3s-account-"));
afterAll(() => rmSync(stateDir, { recursive: true }));

const ID = "0123456789abcdef0123456789abcdef";
const resource = (bucket: string) => `com.cloudflare.edge.r2.bucket.${ID}_default_${bucket}`;
const STATE: State = {
  resources: [
    { mode: "data", type: "cloudflare_zone", instances: [{ attributes: { id: "zone-of-theirs" } }] },
    {
      mode: "data",
      type: "cloudflare_account_api_token_permission_groups_list",
      instances: [{ attributes: { result: [{ id: "theirs", name: "Workers R2 Storage Bucket Item Write" }] } }],
    },
    {
      mode: "managed",
      type: "cloudflare_account_token",
      instances: [
        {
          attributes: {
            id: "etcd",
            name: "infra-k3s prod r2-etcd",
            value: "value",
            policies: [
              { effect: "allow", permission_groups: [{ id: "theirs" }], resources: JSON.stringify({ [resource("b")]: "*" }) },
            ],
          },
        },
      ],
    },
  ],
}; // prettier-ignore
const CLOUDFLARE = { accountId: ID, zone: "example.com", backupBucket: "b", stateBucket: "s" } as Parameters<typeof seedAccount>[1]; // prettier-ignore

test("the account has the zone, the buckets and the tokens that the state remembers, each with what it may", () => {
  const remembered = { state: STATE, stateKey: { id: "key", secret: "secret" } };
  seedAccount(stateDir, CLOUDFLARE, remembered);
  seedAccount(stateDir, CLOUDFLARE, remembered);
  const account = cloudflareStore(join(stateDir, "clouds")).read();

  expect([account.id, account.zones.map(({ id }) => id), account.buckets.map(({ name }) => name)]).toEqual([ID, ["zone-of-theirs"], ["b", "s"]]); // prettier-ignore
  const [operator, etcd, state, ...more] = account.tokens;
  if (operator === undefined || etcd === undefined || state === undefined)
    throw new Error("tokens are missing");
  expect(more).toEqual([]);
  expect([etcd.id, etcd.value, state.id, state.s3Secret]).toEqual(["etcd", "value", "key", "secret"]);
  const writes = "Workers R2 Storage Bucket Item Write";
  const reach = [etcd, state].map((token) => ["b", "s"].map((name) => may(account, token, writes, bucketResource(account, name)))); // prettier-ignore
  expect(reach).toEqual([
    [true, false],
    [false, true],
  ]);
  expect(may(account, operator, "DNS Write", zoneResource("zone-of-theirs"))).toBe(true);
  expect(may(account, operator, "Workers R2 Storage Write", accountResource(account))).toBe(true);
  expect(createHash("sha256").update(operator.value).digest("hex")).not.toBe(state.s3Secret);
});
