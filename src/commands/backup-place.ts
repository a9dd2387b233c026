import { looksWhole, type Source } from "../backup/contents.ts";
import { METADATA, newestFirst, type Snapshot, takenAt } from "../backup/snapshot.ts";
import { type Cloudflare, ETCD_FOLDER, r2Endpoint } from "../config/model.ts";
import { EXIT, UserError } from "../output/errors.ts";
import { etcdKey } from "../stages/k3s/etcd-key.ts";
import { open } from "../stages/stack/bring.ts";
import { requireLock } from "../tools/downloads/lock.ts";
import { type Bucket, headObject, listObjects, readObject, readRange } from "../tools/s3/s3.ts";
import { ENVRC_LOCAL } from "../tools/secrets/envrc.ts";
import { outputs } from "../tools/tofu/stack.ts";
import { type Cluster, newLog } from "./cluster.ts";

/** The backups' bucket, opened without the cluster: the key comes from OpenTofu's state, which lies in R2, too. */
export async function openBackups(cluster: Cluster): Promise<Bucket> {
  const { accountId, backupBucket } = requireBackups(cluster);
  const key = etcdKey(await cloudflareOutputs(cluster));
  if (key !== undefined) return { endpoint: r2Endpoint(accountId), name: backupBucket, key };
  throw new UserError({
    what: "OpenTofu has no r2_etcd_key yet",
    why: "the stage dns mints it at Cloudflare",
    fix: "infra-k3s up",
  });
}

/** Where the backups are; a cluster that has none outside of itself is told so. */
export function requireBackups({ model }: Pick<Cluster, "model">): Cloudflare {
  if (model.cloudflare === null) {
    throw new UserError(
      {
        what: "this cluster has no backups outside of itself",
        why: "cluster.yaml has no `cloudflare`, so there is no bucket; the last snapshots of etcd lie on the master alone",
        fix: "add `cloudflare:` with `accountId:`, and run infra-k3s up",
      },
      EXIT.config,
    );
  }
  return model.cloudflare;
}

/** What OpenTofu minted at Cloudflare: keys are among it, so never log it. */
export async function cloudflareOutputs(cluster: Cluster): Promise<Readonly<Record<string, unknown>>> {
  const { root, model, secrets } = cluster;
  const { backupBucket } = requireBackups(cluster);
  const missing = ["TF_VAR_state_passphrase", "TF_VAR_state_access_key_id", "TF_VAR_state_secret_access_key"] as const; // prettier-ignore
  const absent = missing.filter((name) => secrets[name] === undefined);
  if (absent.length > 0) {
    throw new UserError({
      what: `${absent.join(", ")}: not in ${ENVRC_LOCAL}`,
      why: `the key of the bucket ${backupBucket} is in OpenTofu's state`,
      fix: "take them from the recovery kit; of a new cluster: infra-k3s up",
    });
  }
  const lock = requireLock(root, model, ["tofu"]);
  const stack = await open({ root, secrets, logFile: newLog(root), lock }, "cloudflare");
  return outputs(stack);
}

/** What a list of the bucket tells. */
export type Listed = Pick<Snapshot, "name" | "at" | "ageSeconds" | "bytes">;

/** Every snapshot in the bucket, newest first; one request for each thousand. */
export async function listSnapshots(bucket: Bucket): Promise<Listed[]> {
  const objects = await listObjects(bucket, `${ETCD_FOLDER}/`);
  const now = Date.now();
  const found = objects.flatMap(({ key, bytes, modified }) => {
    const name = key.slice(ETCD_FOLDER.length + 1);
    return name === "" || name.includes("/") ? [] : [listed(name, bytes, modified, now)];
  });
  return newestFirst(found);
}

function listed(name: string, bytes: number, modified: string, now: number): Listed {
  const at = takenAt(name, modified);
  const ageSeconds = Math.max(0, Math.floor((now - at.getTime()) / 1000));
  return { name, at: at.toISOString(), ageSeconds, bytes };
}

/** One snapshot with what K3s has said of it; undefined where there is none of that name. */
export async function readSnapshot(bucket: Bucket, name: string): Promise<Snapshot | undefined> {
  const [head, about] = await Promise.all([
    headObject(bucket, `${ETCD_FOLDER}/${name}`),
    readObject(bucket, `${ETCD_FOLDER}/${METADATA}/${name}`),
  ]);
  if (head === undefined) return undefined;
  return {
    ...listed(name, head.bytes, head.modified, Date.now()),
    node: head.metadata["k3s-node-name"] ?? null,
    k3s: about === undefined ? null : versionOf(new TextDecoder().decode(about)),
    tokenId: head.metadata["k3s-token-hash"] || null,
  };
}

/** The role k3s_server has K3s put it there. */
function versionOf(text: string): string | null {
  try {
    const value = (JSON.parse(text) as Record<string, unknown>)["k3s-version"];
    return typeof value === "string" ? value : null;
  } catch {
    return null;
  }
}

/** As `readSnapshot`, of several at a time. */
export async function readSnapshots(bucket: Bucket, names: readonly string[]): Promise<Snapshot[]> {
  const found: Snapshot[] = [];
  for (let at = 0; at < names.length; at += AT_ONCE) {
    const some = await Promise.all(names.slice(at, at + AT_ONCE).map((name) => readSnapshot(bucket, name)));
    // One may have been pruned since it was listed.
    found.push(...some.filter((one) => one !== undefined));
  }
  return found;
}
const AT_ONCE = 16;

/** What of a snapshot is to be read, straight from the bucket: nothing of it is on this disk. */
export function sourceOf(bucket: Bucket, { name, bytes }: Pick<Snapshot, "name" | "bytes">): Source {
  return { name, bytes, read: (start, end) => readRange(bucket, `${ETCD_FOLDER}/${name}`, start, end) };
}

/** The newest that is neither empty nor cut off. */
export async function newestWhole(bucket: Bucket, snapshots: readonly Listed[]): Promise<Listed | undefined> {
  for (const one of snapshots) if (await looksWhole(sourceOf(bucket, one))) return one;
  return undefined;
}

export function noSuchSnapshot(bucket: Bucket, name: string, all: readonly Listed[]): UserError {
  const newest = all.slice(0, 3).map((one) => one.name);
  return new UserError(
    {
      what: `there is no snapshot ${name} in the bucket ${bucket.name}`,
      why: newest.length === 0 ? "there is none at all" : `the newest: ${newest.join(", ")}`,
      fix: "infra-k3s backup list",
    },
    EXIT.usage,
  );
}
