import { S3_PORT } from "../clouds/clouds.ts";
import { bucketsOf } from "../clouds/cloudflare/r2-gate.ts";
import { ensureCredentials } from "../clouds/credentials.ts";
import { restoreObjects } from "../../src/tools/s3/copy.ts";

/** Puts copied buckets into a sandbox's S3 server, started where that listens: fill.ts STATE_DIR FOLDER BUCKET… */
const [stateDir = "", folder = "", ...names] = process.argv.slice(2);
const { s3 } = ensureCredentials(stateDir);
const key = { accessKeyId: s3.id, secretAccessKey: s3.secret };
const { createBucket } = bucketsOf({ port: S3_PORT, key: s3 });
for (const name of names) {
  await createBucket(name);
  const bucket = { endpoint: `http://127.0.0.1:${S3_PORT}`, name, key, region: "us-east-1" };
  const count = await restoreObjects(folder, name, bucket);
  process.stdout.write(`${name}: ${count} objects\n`);
}
