import { gunzipSync, gzipSync } from "node:zlib";
import { UserError } from "../output/errors.ts";
import { type Bucket, listObjects, readObject, writeObject } from "../tools/s3/s3.ts";
import { encryptBytesTo, openAgeBytes } from "../tools/sops/age-file.ts";
import type { AgeKey } from "../tools/sops/age.ts";
import { InventoryReader, inventoryLines } from "./format.ts";
import type { Inventory } from "./inventory.ts";

const FOLDER = "inventory/";
const ENDING = ".jsonl.gz.age";

/** The names of the backups that have an inventory in the bucket. */
export async function listInventories(bucket: Bucket): Promise<string[]> {
  const objects = await listObjects(bucket, FOLDER);
  return objects
    .map(({ key }) => key.slice(FOLDER.length))
    .filter((name) => name.endsWith(ENDING))
    .map((name) => name.slice(0, -ENDING.length));
}

/** Puts it beside its backup, for these recipients alone: the operator's recovery key, and who drills. */
export async function saveInventory(
  bucket: Bucket,
  recipients: readonly string[],
  inventory: Inventory,
): Promise<string> {
  const key = keyOf(inventory.header.backup);
  await writeObject(bucket, key, await packInventory(recipients, inventory));
  return key;
}

/** That of a backup; each way in which it can be missing, broken or another's is an error of its own. */
export async function readInventory(
  bucket: Bucket,
  backup: string,
  keys: readonly AgeKey[],
): Promise<Inventory> {
  const key = keyOf(backup);
  const bytes = await readObject(bucket, key);
  if (bytes === undefined) {
    throw new UserError({
      what: `there is no inventory of ${backup} in the bucket ${bucket.name}`,
      why: `it would be ${key}; without it nobody can say whether everything comes back`,
      fix: "take a backup that has one: infra-k3s backup list",
    });
  }
  const inventory = await openInventory(key, bytes, keys);
  if (inventory.header.backup === backup) return inventory;
  throw new UserError({
    what: `${key} is the inventory of ${inventory.header.backup}`,
    why: "somebody has put it in another's place",
    fix: "take another backup: infra-k3s backup list",
  });
}

/** An inventory's file: lines of JSON, compressed, encrypted. */
export async function packInventory(
  recipients: readonly string[],
  inventory: Inventory,
): Promise<Uint8Array<ArrayBuffer>> {
  // By parts: no single text could hold the lines of a very large one.
  const parts: Buffer[] = [];
  let text = "";
  for (const line of inventoryLines(inventory)) {
    text += line;
    if (text.length < 1 << 20) continue;
    parts.push(gzipSync(text));
    text = "";
  }
  parts.push(gzipSync(text));
  return encryptBytesTo(recipients, Buffer.concat(parts));
}

export async function openInventory(
  name: string,
  bytes: Uint8Array,
  keys: readonly AgeKey[],
): Promise<Inventory> {
  const packed = await openAgeBytes(name, bytes, keys);
  try {
    const reader = new InventoryReader();
    for (const line of linesOf(gunzipSync(packed))) reader.take(line);
    return reader.inventory();
  } catch (error) {
    if (error instanceof UserError) throw error;
    // Its texts may repeat what the file says.
    const why =
      error instanceof Error && error.constructor === Error ? error.message : "a line of it can't be read";
    throw new UserError({
      what: `${name} opens, but is no whole inventory`,
      why,
      fix: "take another backup",
    });
  }
}

function* linesOf(bytes: Buffer): Generator<string> {
  for (let from = 0, to; from < bytes.length; from = to + 1) {
    to = bytes.indexOf(0x0a, from);
    if (to === -1) to = bytes.length;
    yield bytes.toString("utf8", from, to);
  }
}

function keyOf(backup: string): string {
  return `${FOLDER}${backup}${ENDING}`;
}
