import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";

/** https://pubs.opengroup.org/onlinepubs/9699919799/utilities/pax.html#tag_20_92_13_06 */
const BLOCK = 512;
/** An object of Kubernetes is far smaller; more of one entry is held by nobody. */
const MOST = 64 * 1024 * 1024;

export interface TarFile {
  name: string;
  content: Buffer;
}

/** The files of a compressed tar, read to the last byte of both; an Error says what is wrong with it. */
export async function* tarFiles(compressed: AsyncIterable<Uint8Array>): AsyncGenerator<TarFile> {
  const plain = createGunzip();
  const fed = pipeline(compressed, plain);
  // What goes wrong there ends the reading below with the same error.
  fed.catch(() => undefined);
  const source = new Blocks(plain);
  let longName = "";
  for (;;) {
    const header = await source.take(BLOCK);
    if (header === undefined) throw new Error("it is cut off: the archive has no end");
    if (header.every((byte) => byte === 0)) break;
    const { name, size, type } = readHeader(header);
    const padded = await source.take(Math.ceil(size / BLOCK) * BLOCK);
    if (padded === undefined) throw new Error(`it is cut off in ${name}`);
    const content = padded.subarray(0, size);
    if (type === "L") longName = text(content);
    else if (type === "x") longName = paxPath(content) ?? longName;
    else {
      if (type === "0" || type === "\0") yield { name: longName || name, content };
      longName = "";
    }
  }
  await source.drain();
  await fed;
}

function readHeader(header: Buffer): { name: string; size: number; type: string } {
  const octal = (start: number, end: number) =>
    Number.parseInt(text(header.subarray(start, end)).trim() || "0", 8);
  // The sum counts its own field as blanks.
  const sum = header.reduce((all, byte, at) => all + (at >= 148 && at < 156 ? 0x20 : byte), 0);
  const size = octal(124, 136);
  if (octal(148, 156) !== sum || !(size >= 0 && size <= MOST))
    throw new Error("it is damaged: a header of the archive does not add up");
  const prefix = text(header.subarray(345, 500));
  const name = text(header.subarray(0, 100));
  return { name: prefix === "" ? name : `${prefix}/${name}`, size, type: String.fromCharCode(header[156] ?? 0) }; // prettier-ignore
}

const text = (bytes: Buffer) => bytes.toString("utf8").replace(/\0[^]*$/, "");

/** `LENGTH path=NAME\n`, among others. */
function paxPath(records: Buffer): string | undefined {
  for (let at = 0; at < records.length;) {
    const length = Number.parseInt(records.toString("latin1", at, at + 20), 10);
    if (!(length > 0)) return undefined;
    const record = records.toString("utf8", at, at + length - 1);
    const [, path] = /^\d+ path=([^]*)$/.exec(record) ?? [];
    if (path !== undefined) return path;
    at += length;
  }
  return undefined;
}

/** A stream by the piece. */
class Blocks {
  readonly #from: AsyncIterator<Buffer>;
  #held: Buffer[] = [];
  #bytes = 0;

  constructor(from: AsyncIterable<Buffer>) {
    this.#from = from[Symbol.asyncIterator]();
  }

  /** So many bytes; undefined where it ends before. */
  async take(count: number): Promise<Buffer | undefined> {
    while (this.#bytes < count) {
      const next = await this.#from.next();
      if (next.done === true) return undefined;
      this.#held.push(next.value);
      this.#bytes += next.value.length;
    }
    const all = this.#held.length === 1 && this.#held[0] !== undefined ? this.#held[0] : Buffer.concat(this.#held); // prettier-ignore
    this.#held = [all.subarray(count)];
    this.#bytes -= count;
    return all.subarray(0, count);
  }

  /** Whatever follows, so that its checksum is looked at. */
  async drain(): Promise<void> {
    while ((await this.#from.next()).done !== true) continue;
  }
}
