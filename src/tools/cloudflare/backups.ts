import type { ClusterModel } from "../../config/model.ts";
import { listObjects } from "../s3/s3.ts";
import type { Secrets } from "../secrets/envrc.ts";
import { bucketOf, deleteBucket, ensureKey, hasBucket, removeKeys, tokenOf } from "./buckets.ts";

/** https://developers.cloudflare.com/r2/pricing/: a GB of storage for a month, above the account's first 10. */
const USD_PER_GB = 0.015;

const keyName = ({ name }: ClusterModel) => `infra-k3s ${name} removal`;

/**
 * What becomes of the backups when their cluster goes: kept, unless their bucket is `named`. Returns what to tell of it, with
 * what it costs; undefined where there is none.
 */
export async function settleBackups(
  model: ClusterModel,
  secrets: Secrets,
  named: boolean,
): Promise<string | undefined> {
  const { cloudflare: at } = model;
  if (at === null) return undefined;
  const { backupBucket } = at;
  const token = tokenOf(secrets);
  if (!(await hasBucket(token, at, backupBucket))) return undefined;
  // The keys that OpenTofu made are gone, or may be.
  const key = await ensureKey(token, at, backupBucket, keyName(model));
  try {
    if (named) {
      await deleteBucket(token, at, backupBucket, key);
      return `the bucket ${backupBucket} is deleted, with all backups`;
    }
    const objects = await listObjects(bucketOf(at, backupBucket, key));
    const gigabytes = objects.reduce((sum, { bytes }) => sum + bytes, 0) / 1e9;
    const cost = (gigabytes * USD_PER_GB).toFixed(2);
    return [
      `the bucket ${backupBucket} is kept with the backups: ${objects.length} objects, ${gigabytes.toFixed(3)} GB,`,
      `${cost} USD a month (${USD_PER_GB} USD per GB; an account's first 10 GB are free);`,
      `delete it with: infra-k3s destroy --delete-backups ${backupBucket}`,
    ].join(" ");
  } finally {
    await removeKeys(token, at, keyName(model));
  }
}
