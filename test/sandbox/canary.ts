import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { constants, gunzipSync, inflateRawSync, inflateSync } from "node:zlib";

/** How deep things are packed into one another. */
const DEPTH = 6;
const MOST = { maxOutputLength: 1 << 30 };
/** As much as there is of something that was cut off. */
const AS_FAR = { ...MOST, finishFlush: constants.Z_SYNC_FLUSH };

/** The files below a folder in which one of the canaries is, as such or in any packing that is not encryption, with how. */
export function canariesBelow(folder: string, canaries: readonly string[]): string[] {
  return globSync("**/*", { cwd: folder, withFileTypes: true })
    .filter((one) => one.isFile())
    .map((one) => join(one.parentPath, one.name))
    .flatMap((path) => {
      const how = foundIn(readFileSync(path), canaries);
      return how === undefined ? [] : [`${path.slice(folder.length + 1)}: ${how}`];
    })
    .sort();
}

/** How a canary is in these bytes: `gzip, tar, base64, plain`; undefined: it is not. */
export function foundIn(bytes: Buffer, canaries: readonly string[], depth = DEPTH): string | undefined {
  for (const canary of canaries)
    for (const [form, pattern] of formsOf(canary)) if (bytes.includes(pattern)) return form;
  if (depth === 0) return undefined;
  for (const [form, inside] of unpacked(bytes)) {
    const how = foundIn(inside, canaries, depth - 1);
    if (how !== undefined) return `${form}, ${how}`;
  }
  return undefined;
}

function formsOf(canary: string): [string, Buffer][] {
  const plain = Buffer.from(canary);
  return [
    ["plain", plain],
    ["utf-16", Buffer.from(canary, "utf16le")],
    ["hex", Buffer.from(plain.toString("hex"))],
  ];
}

/** What these bytes are a packing of, or have one of anywhere in them: a database's pages hold values as they are. */
function* unpacked(bytes: Buffer): Generator<[string, Buffer]> {
  yield* tarred(bytes);
  yield* zipped(bytes);
  for (let at = bytes.indexOf(GZIP); at !== -1; at = bytes.indexOf(GZIP, at + 1)) {
    const inside = attempt(() => gunzipSync(bytes.subarray(at), AS_FAR));
    if (inside !== undefined) yield ["gzip", inside];
  }
  if (bytes[0] === 0x78) {
    const inside = attempt(() => inflateSync(bytes, AS_FAR));
    if (inside !== undefined) yield ["zlib", inside];
  }
  for (const [run] of bytes.toString("latin1").matchAll(BASE64)) {
    // A word that happens to stand before it moves all that follows: each of four beginnings is tried.
    const text = run.replaceAll(/[\r\n]|\\n/g, "");
    for (let skip = 0; skip < 4; skip++) yield ["base64", Buffer.from(text.slice(skip), "base64")];
  }
}
const GZIP = Buffer.from([0x1f, 0x8b, 8]);
const BASE64 = /[A-Za-z0-9+/_-](?:[A-Za-z0-9+/_-]|\r?\n|\\n){15,}/g;

/** https://www.gnu.org/software/tar/manual/html_node/Standard.html */
function* tarred(bytes: Buffer): Generator<[string, Buffer]> {
  for (let at = 0; bytes.toString("latin1", at + 257, at + 262) === "ustar";) {
    const size = parseInt(bytes.toString("latin1", at + 124, at + 136), 8) || 0;
    yield ["tar", bytes.subarray(at + 512, at + 512 + size)];
    at += 512 + Math.ceil(size / 512) * 512;
  }
}

/** Each member of an archive, by its directory: https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT */
function* zipped(bytes: Buffer): Generator<[string, Buffer]> {
  if (bytes.length < 4 || bytes.readUInt32BE(0) !== 0x504b0304) return;
  for (let at = bytes.indexOf("PK\x01\x02"); at !== -1; at = bytes.indexOf("PK\x01\x02", at + 4)) {
    const inside = attempt(() => {
      const [method, packed, header] = [bytes.readUInt16LE(at + 10), bytes.readUInt32LE(at + 20), bytes.readUInt32LE(at + 42)]; // prettier-ignore
      const begin = header + 30 + bytes.readUInt16LE(header + 26) + bytes.readUInt16LE(header + 28);
      const content = bytes.subarray(begin, begin + packed);
      return method === 0 ? content : inflateRawSync(content, AS_FAR);
    });
    if (inside !== undefined) yield ["zip", inside];
  }
}

function attempt(work: () => Buffer): Buffer | undefined {
  try {
    return work();
  } catch {
    return undefined; // It only looked like one.
  }
}
