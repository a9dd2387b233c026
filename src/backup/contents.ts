import { createHash } from "node:crypto";
import { pipeline, Readable } from "node:stream";
import { crc32, createInflateRaw } from "node:zlib";
import { END_BYTES, HEADER_BYTES, readEnd, readEntry, readHeader } from "./zip.ts";

/** A file that is read a part at a time, wherever it lies. */
export interface Source {
  name: string;
  bytes: number;
  /** From one place up to, and without, another. */
  read(start: number, end: number): AsyncIterable<Uint8Array>;
}

export type Contents =
  | {
      ok: true;
      /** Of the database: what etcd wrote behind it, and what it is. */
      sha256: string;
      databaseBytes: number;
      compressed: boolean;
    }
  | { ok: false; reason: string };

/** etcd ends a snapshot with the SHA-256 of what precedes: https://github.com/etcd-io/etcd/blob/v3.6.8/etcdutl/snapshot/v3_snapshot.go */
const HASH_BYTES = 32;
const SECTOR = 512;
/** https://github.com/etcd-io/bbolt/blob/v1.4.3/internal/common/types.go, behind a page's header of 16 bytes. */
const BOLT = { magic: 0xed0cdaed, version: 2, head: 28 };

/** Reads a whole snapshot and says whether K3s can restore it. */
export async function inspect(source: Source): Promise<Contents> {
  if (source.bytes === 0) return { ok: false, reason: "it is empty" };
  const compressed = isCompressed(source.name);
  try {
    const { bytes, hash, appended, head } = await digest(compressed ? unpack(source) : read(source));
    if (bytes <= HASH_BYTES || bytes % SECTOR !== HASH_BYTES)
      return { ok: false, reason: `it is truncated: its ${bytes} bytes do not end with etcd's hash` };
    if (hash !== appended)
      return { ok: false, reason: `it is damaged: etcd wrote the SHA-256 ${appended}, and it has ${hash}` };
    if (
      head.length < BOLT.head ||
      head.readUInt32LE(16) !== BOLT.magic ||
      head.readUInt32LE(20) !== BOLT.version
    )
      return { ok: false, reason: "it holds no database of etcd" };
    return { ok: true, sha256: hash, databaseBytes: bytes - HASH_BYTES, compressed };
  } catch (error) {
    if (error instanceof Broken) return { ok: false, reason: error.message };
    // Of zlib: what was packed is not what is there.
    const { code } = error as { code?: string };
    if (code?.startsWith("Z_") === true)
      return { ok: false, reason: `it is damaged: it can't be unpacked (${code})` };
    throw error;
  }
}

/** Whether a file ends as one of its kind does: all that can be told without reading it. */
export async function looksWhole(source: Source): Promise<boolean> {
  if (!isCompressed(source.name)) return source.bytes > HASH_BYTES && source.bytes % SECTOR === HASH_BYTES;
  return source.bytes > END_BYTES && readEnd(await tailOf(source), source.bytes) !== undefined;
}

const isCompressed = (name: string) => name.endsWith(".zip");
const read = (source: Source) => source.read(0, source.bytes);
const tailOf = (source: Source) => gather(source.read(Math.max(0, source.bytes - END_BYTES), source.bytes));

class Broken extends Error {}

/** The one file of an archive. What its CRC and its headers say is held against it, too: K3s refuses what differs. */
async function* unpack(source: Source): AsyncGenerator<Uint8Array> {
  const end = readEnd(await tailOf(source), source.bytes);
  if (end === undefined) throw new Broken("it is truncated: it does not end as an archive does");
  const directory = await gather(source.read(end.start, end.start + end.length));
  const entry = readEntry(directory, end.start);
  const header = entry && (await gather(source.read(entry.header, entry.header + HEADER_BYTES)));
  const place = entry && header && readHeader(header, entry);
  if (entry === undefined || place === undefined)
    throw new Broken("it is damaged: its archive can't be read");
  const behind =
    place.descriptor.length === 0 ? Buffer.alloc(0) : await gather(source.read(place.end, entry.directory));
  if (!behind.equals(place.descriptor)) throw new Broken("it is damaged: its archive contradicts itself");
  let [sum, bytes] = [0, 0];
  const packed = source.read(place.start, place.end);
  for await (const chunk of entry.deflated ? inflated(packed) : packed) {
    sum = crc32(chunk, sum);
    bytes += chunk.length;
    yield chunk;
  }
  if (sum !== entry.crc32 || bytes !== entry.unpacked)
    throw new Broken("it is damaged: its archive's CRC is another");
}

async function* inflated(packed: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const inflate = createInflateRaw();
  // A failure of either ends the other, and is thrown by the loop below.
  pipeline(Readable.from(packed), inflate, () => {});
  for await (const chunk of inflate) yield chunk as Uint8Array;
}

/** The SHA-256 of all but the last 32 bytes, those bytes, and the first ones. */
async function digest(chunks: AsyncIterable<Uint8Array>) {
  const hash = createHash("sha256");
  let bytes = 0;
  let head = Buffer.alloc(0);
  let held = Buffer.alloc(0);
  for await (const chunk of chunks) {
    bytes += chunk.length;
    held = Buffer.concat([held, chunk]);
    if (head.length < BOLT.head) head = Buffer.concat([head, chunk.subarray(0, BOLT.head - head.length)]);
    const known = Math.max(0, held.length - HASH_BYTES);
    hash.update(held.subarray(0, known));
    held = held.subarray(known);
  }
  return { bytes, hash: hash.digest("hex"), appended: held.toString("hex"), head };
}

async function gather(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  return Buffer.concat(parts);
}
