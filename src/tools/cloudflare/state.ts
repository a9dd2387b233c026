import { randomBytes } from "node:crypto";
import { z } from "zod";
import type { Cloudflare, ClusterModel } from "../../config/model.ts";
import { UserError } from "../../output/errors.ts";
import { listObjects } from "../s3/s3.ts";
import { saveSecrets, type Secrets } from "../secrets/envrc.ts";
import {
  bucketOf,
  bucketsOf,
  deleteBucket,
  ensureKey,
  hasBucket,
  type Key,
  removeKeys,
  tokenOf,
} from "./buckets.ts";
import { cloudflare } from "./client.ts";

/**
 * The bucket of OpenTofu's state, a key that opens nothing but it, and the passphrase the state is encrypted with. What is
 * there is adopted: a bucket by its name, a key of this operator by its name, whose secret is then made anew. Returns the
 * secrets with those that were made, which are in `.envrc.local`.
 */
export async function ensureState(
  root: string,
  model: ClusterModel,
  secrets: Secrets,
  operator: string,
  progress: (line: string) => void,
): Promise<Secrets> {
  const { cloudflare: at } = model;
  if (at === null) return secrets;
  const { TF_VAR_state_access_key_id: id, TF_VAR_state_secret_access_key: secret } = secrets;
  if (id !== undefined && secret !== undefined && secrets.TF_VAR_state_passphrase !== undefined)
    return secrets;
  const token = tokenOf(secrets);
  const bucketWasThere = await ensureBucket(token, at, progress);
  const key =
    id === undefined || secret === undefined
      ? await ensureKey(token, at, at.stateBucket, keyName(model, operator))
      : { accessKeyId: id, secretAccessKey: secret };
  let made: Secrets = {
    TF_VAR_state_access_key_id: key.accessKeyId,
    TF_VAR_state_secret_access_key: key.secretAccessKey,
  };
  if (secrets.TF_VAR_state_passphrase === undefined) {
    if (bucketWasThere) await refuseForeignState(at, key);
    made = { ...made, TF_VAR_state_passphrase: randomBytes(32).toString("base64url") };
  }
  saveSecrets(root, made);
  progress(
    `OpenTofu's state: bucket ${at.stateBucket}; its key and passphrase are in .envrc.local, which is to be kept`,
  );
  return { ...secrets, ...made };
}

/** Takes the state's bucket with all that is in it away, and every operator's key. What is gone is fine. */
export async function removeState(model: ClusterModel, secrets: Secrets): Promise<void> {
  const { cloudflare: at } = model;
  if (at === null) return;
  const {
    TF_VAR_state_access_key_id: accessKeyId = "",
    TF_VAR_state_secret_access_key: secretAccessKey = "",
  } = secrets;
  await deleteBucket(tokenOf(secrets), at, at.stateBucket, { accessKeyId, secretAccessKey });
  await removeKeys(tokenOf(secrets), at, keyName(model, ""));
}

async function ensureBucket(
  token: string,
  at: Cloudflare,
  progress: (line: string) => void,
): Promise<boolean> {
  if (await hasBucket(token, at, at.stateBucket)) return true;
  progress(`making the bucket ${at.stateBucket} for OpenTofu's state`);
  await cloudflare(token, "POST", bucketsOf(at), z.unknown(), { name: at.stateBucket }).catch(
    async (error: unknown) => {
      // The answer may have been lost, not the bucket.
      if (!(await hasBucket(token, at, at.stateBucket))) throw error;
    },
  );
  return false;
}

/** Another operator's state can be read with their passphrase alone; a new one would be of no use. */
async function refuseForeignState(at: Cloudflare, key: Key): Promise<void> {
  const objects = await listObjects(bucketOf(at, at.stateBucket, key));
  const state = objects.find(({ key: name }) => name.endsWith(".tfstate"));
  if (state === undefined) return;
  throw new UserError({
    what: `the bucket ${at.stateBucket} holds state already, and there is no TF_VAR_state_passphrase in .envrc.local`,
    why: `${state.key} is encrypted with the passphrase of whoever made it`,
    fix: "take TF_VAR_state_passphrase from the .envrc.local it was made with",
  });
}

const keyName = ({ name }: ClusterModel, operator: string) => `infra-k3s ${name} state ${operator}`;
