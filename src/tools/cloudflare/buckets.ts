import { createHash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { type Cloudflare, r2Endpoint } from "../../config/model.ts";
import { UserError } from "../../output/errors.ts";
import { type Bucket, deleteObject, listObjects } from "../s3/s3.ts";
import type { Secrets } from "../secrets/envrc.ts";
import { cloudflare, cloudflareList, CloudflareRefusal } from "./client.ts";

export type Key = Bucket["key"];

const Named = z.object({ id: z.string(), name: z.string() });

export const bucketsOf = ({ accountId }: Cloudflare) => `/accounts/${accountId}/r2/buckets`;
const tokensOf = ({ accountId }: Cloudflare) => `/accounts/${accountId}/tokens`;

export function bucketOf({ accountId }: Cloudflare, name: string, key: Key): Bucket {
  return { endpoint: r2Endpoint(accountId), name, key };
}

export function tokenOf(secrets: Secrets): string {
  const token = secrets.TF_VAR_cloudflare_api_token;
  if (token !== undefined) return token;
  throw new UserError({
    what: "there is no TF_VAR_cloudflare_api_token in .envrc.local",
    why: "cluster.yaml has `cloudflare`: DNS, buckets and OpenTofu's state are there",
    fix: "make one as docs/credentials.md says, and add: export TF_VAR_cloudflare_api_token='…'",
  });
}

export async function hasBucket(token: string, at: Cloudflare, name: string): Promise<boolean> {
  const found = await gone(
    cloudflare(token, "GET", `${bucketsOf(at)}/${name}`, z.object({ name: z.string() })),
  );
  return found !== undefined;
}

/** Deletes a bucket with everything in it, whatever lock holds that. What is gone is fine. */
export async function deleteBucket(token: string, at: Cloudflare, name: string, key: Key): Promise<void> {
  if (!(await hasBucket(token, at, name))) return;
  await cloudflare(token, "PUT", `${bucketsOf(at)}/${name}/lock`, z.unknown(), { rules: [] });
  const bucket = bucketOf(at, name, key);
  for (const object of await listObjects(bucket)) await deleteObject(bucket, object.key);
  await gone(cloudflare(token, "DELETE", `${bucketsOf(at)}/${name}`, z.unknown()));
}

const USABLE_MS = 60_000;

/**
 * A key for the objects of one bucket. One of the same name is adopted: its value, which is told once only, is made anew.
 * https://developers.cloudflare.com/r2/api/tokens/#get-s3-api-credentials-from-an-api-token
 */
export async function ensureKey(token: string, at: Cloudflare, bucket: string, name: string): Promise<Key> {
  const found = (await cloudflareList(token, tokensOf(at), Named)).find((one) => one.name === name);
  const { id, value } =
    found === undefined
      ? await mint(token, at, bucket, name)
      : {
          id: found.id,
          value: await cloudflare(token, "PUT", `${tokensOf(at)}/${found.id}/value`, z.string(), {}),
        };
  const key = { accessKeyId: id, secretAccessKey: createHash("sha256").update(value).digest("hex") };
  // A new token is not known everywhere at once.
  for (const deadline = Date.now() + USABLE_MS; ; await sleep(1000)) {
    try {
      await listObjects(bucketOf(at, bucket, key));
      return key;
    } catch (error) {
      if (Date.now() > deadline) throw error;
    }
  }
}

async function mint(token: string, at: Cloudflare, bucket: string, name: string) {
  const groups = await cloudflareList(token, `${tokensOf(at)}/permission_groups`, Named);
  const write = groups.find((group) => group.name === "Workers R2 Storage Bucket Item Write");
  if (write === undefined)
    throw new UserError({ what: "Cloudflare has no permission for the objects of one bucket" });
  const resources = { [`com.cloudflare.edge.r2.bucket.${at.accountId}_default_${bucket}`]: "*" };
  const policies = [{ effect: "allow", permission_groups: [{ id: write.id }], resources }];
  const Made = z.object({ id: z.string(), value: z.string() });
  return cloudflare(token, "POST", tokensOf(at), Made, { name, policies });
}

/** Takes the keys away whose names begin so. */
export async function removeKeys(token: string, at: Cloudflare, beginning: string): Promise<void> {
  const keys = await cloudflareList(token, tokensOf(at), Named);
  for (const { id, name } of keys)
    if (name.startsWith(beginning))
      await gone(cloudflare(token, "DELETE", `${tokensOf(at)}/${id}`, z.unknown()));
}

/** Undefined where what was asked for is not there. */
async function gone<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    if (error instanceof CloudflareRefusal && error.status === 404) return undefined;
    throw error;
  }
}
