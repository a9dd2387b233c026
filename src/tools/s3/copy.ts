import { createHash } from "node:crypto";
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { UserError } from "../../output/errors.ts";
import { type Bucket, getObject, type ObjectHead, type StoredObject, writeObject } from "./s3.ts";

/** A copy of a bucket's objects: their bytes below `BUCKET/`, and in `BUCKET.jsonl` what is known of each. */
interface Copied extends ObjectHead {
  sha256: string;
}

const AT_ONCE = 8;

/**
 * Copies these objects into a folder, each compared with what the bucket says of it. What is there already is not fetched
 * again: killed anywhere, it goes on. Reads only.
 */
export async function copyObjects(
  bucket: Bucket,
  objects: readonly StoredObject[],
  folder: string,
  progress: (done: number) => void = () => undefined,
): Promise<void> {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const known = new Map(readCopies(folder, bucket.name).map((one) => [one.key, one]));
  // Where a run was killed while it wrote a line, the next begins on one of its own.
  if (known.size > 0) appendFileSync(listOf(folder, bucket.name), "\n");
  let done = 0;
  const queue = [...objects];
  const worker = async () => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      if (!isThere(folder, bucket.name, next, known.get(next.key))) await copyOne(bucket, next, folder);
      progress(++done);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

function isThere(folder: string, name: string, object: StoredObject, copy: Copied | undefined): boolean {
  if (copy === undefined || copy.bytes !== object.bytes || copy.modified < object.modified.slice(0, 19)) return false;
  const file = fileOf(folder, name, object.key);
  return existsSync(file) && statSync(file).size === object.bytes;
} // prettier-ignore

async function copyOne(bucket: Bucket, { key, bytes: listed }: StoredObject, folder: string): Promise<void> {
  const file = fileOf(folder, bucket.name, key);
  const got = await getObject(bucket, key);
  if (got === undefined) throw broken(bucket, key, "it was listed, and is gone");
  const { head, bytes } = got;
  if (bytes.length !== listed)
    throw broken(bucket, key, `${bytes.length} bytes came, and ${listed} were listed`);
  // Of an upload in parts it is no hash of the whole: https://developers.cloudflare.com/r2/objects/multipart-objects/
  const md5 = createHash("md5").update(bytes).digest("hex");
  if (/^[0-9a-f]{32}$/.test(head.etag) && head.etag !== md5) throw broken(bucket, key, `its MD5 is ${md5}, and R2 says ${head.etag}`); // prettier-ignore
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  writeFileSync(`${file}.part`, bytes, { mode: 0o600 });
  renameSync(`${file}.part`, file);
  const copied: Copied = { ...head, bytes: bytes.length, sha256: sha256(bytes) };
  appendFileSync(listOf(folder, bucket.name), `${JSON.stringify(copied)}\n`, { mode: 0o600 });
}

/** Puts a copy's objects into a bucket, compared with the hash each had when it was copied; returns how many. */
export async function restoreObjects(folder: string, of: string, bucket: Bucket): Promise<number> {
  const copies = readCopies(folder, of);
  for (const { key, sha256: wanted, metadata } of copies) {
    const bytes = new Uint8Array(readFileSync(fileOf(folder, of, key)));
    if (sha256(bytes) !== wanted) {
      throw new UserError({
        what: `the copy of ${key} was changed since it was made`,
        why: `its sha256 is ${sha256(bytes)}, and was ${wanted}`,
        fix: "run the drill again",
      });
    }
    await writeObject(bucket, key, bytes, metadata);
  }
  return copies.length;
}

/** What was copied of a bucket, the last word on each. */
export function readCopies(folder: string, name: string): Copied[] {
  const list = listOf(folder, name);
  if (!existsSync(list)) return [];
  const copies = new Map<string, Copied>();
  for (const line of readFileSync(list, "utf8").split("\n")) {
    try {
      const copied = JSON.parse(line) as Copied;
      copies.set(copied.key, copied);
    } catch {
      // Empty, or cut off where a run was killed.
    }
  }
  return [...copies.values()];
}

export function fileOf(folder: string, name: string, key: string): string {
  // A key may hold anything; a path below the folder may not.
  if (key.split("/").some((part) => part === "" || part === "." || part === ".."))
    throw new UserError({ what: `the object ${JSON.stringify(key)} can't be copied`, why: "its key is no path" });
  return join(folder, name, key);
} // prettier-ignore

const listOf = (folder: string, name: string) => join(folder, `${name}.jsonl`);
const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

function broken({ name }: Bucket, key: string, why: string): UserError {
  return new UserError({ what: `${key} of the bucket ${name} was not copied`, why, fix: "run it again" });
}
