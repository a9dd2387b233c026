/** Where the one file of an archive lies in it, as K3s compresses a snapshot: https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT */
export interface ZipEntry {
  /** Where the central directory begins: what lies before it is the file. */
  directory: number;
  deflated: boolean;
  crc32: number;
  packed: number;
  unpacked: number;
  /** Where the file's own header begins. */
  header: number;
}

/** The end of a central directory, without a comment. */
export const END_BYTES = 22;
/** A file's own header, without its name and its extra field. */
export const HEADER_BYTES = 30;
const END = 0x06054b50;
const CENTRAL = 0x02014b50;
const LOCAL = 0x04034b50;
const DESCRIPTOR = 0x08074b50;
const STREAMED = 0x8;
const DEFLATE = 8;

/** Where the central directory is, of the archive's last bytes; undefined where they are no archive's end. */
export function readEnd(tail: Buffer, bytes: number): { start: number; length: number } | undefined {
  if (tail.length !== END_BYTES || tail.readUInt32LE(0) !== END || tail.readUInt16LE(20) !== 0)
    return undefined;
  const [length, start] = [tail.readUInt32LE(12), tail.readUInt32LE(16)];
  return start + length + END_BYTES === bytes && tail.readUInt16LE(10) === 1 ? { start, length } : undefined;
}

/** The one entry of the central directory; undefined where there is none that can be read. */
export function readEntry(directory: Buffer, start: number): ZipEntry | undefined {
  if (directory.length < 46 || directory.readUInt32LE(0) !== CENTRAL) return undefined;
  const method = directory.readUInt16LE(10);
  if (method !== 0 && method !== DEFLATE) return undefined;
  return {
    directory: start,
    deflated: method === DEFLATE,
    crc32: directory.readUInt32LE(16),
    packed: directory.readUInt32LE(20),
    unpacked: directory.readUInt32LE(24),
    header: directory.readUInt32LE(42),
  };
}

/** Where the file's bytes begin and end, and what must follow them; undefined where its own header can't be read. */
export function readHeader(
  header: Buffer,
  entry: ZipEntry,
): { start: number; end: number; descriptor: Buffer } | undefined {
  if (header.length !== HEADER_BYTES || header.readUInt32LE(0) !== LOCAL) return undefined;
  const start = entry.header + HEADER_BYTES + header.readUInt16LE(26) + header.readUInt16LE(28);
  const end = start + entry.packed;
  const descriptor = (header.readUInt16LE(6) & STREAMED) === 0 ? Buffer.alloc(0) : descriptorOf(entry);
  return end + descriptor.length === entry.directory ? { start, end, descriptor } : undefined;
}

/** What an archive that was written in one go says of a file behind it. */
function descriptorOf({ crc32, packed, unpacked }: ZipEntry): Buffer {
  const bytes = Buffer.alloc(16);
  [DESCRIPTOR, crc32, packed, unpacked].forEach((value, index) => bytes.writeUInt32LE(value, 4 * index));
  return bytes;
}
