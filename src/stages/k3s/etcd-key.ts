import { z } from "zod";
import type { Bucket } from "../../tools/s3/s3.ts";

const KeySchema = z.object({ access_key_id: z.string().min(1), secret_access_key: z.string().min(1) });

/** The key for etcd's snapshots among the outputs of the stack cloudflare; undefined before it was minted. */
export function etcdKey(outputs: Readonly<Record<string, unknown>> | undefined): Bucket["key"] | undefined {
  return keyIn(outputs?.["r2_etcd_key"]);
}

/** The key for drills, which only reads; undefined before it was minted. */
export function drillKey(outputs: Readonly<Record<string, unknown>> | undefined): Bucket["key"] | undefined {
  return keyIn(outputs?.["r2_drill_key"]);
}

function keyIn(told: unknown): Bucket["key"] | undefined {
  const { data } = KeySchema.safeParse(told);
  return data && { accessKeyId: data.access_key_id, secretAccessKey: data.secret_access_key };
}
