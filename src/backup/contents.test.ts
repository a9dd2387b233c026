import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { crc32, deflateRawSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { inspect, looksWhole, type Source } from "./contents.ts";

/** A database's first pages, as bbolt writes them, and something behind. */
function database(): Buffer {
  const bytes = Buffer.alloc(8 * 4096);
  for (const page of [0, 4096]) {
    bytes.writeUInt32LE(0xed0cdaed, page + 16);
    bytes.writeUInt32LE(2, page + 20);
    bytes.writeUInt32LE(4096, page + 24);
  }
  bytes.write("/registry/configmaps/default/counter", 3 * 4096);
  return bytes;
}
const snapshot = (content = database()) =>
  Buffer.concat([content, createHash("sha256").update(content).digest()]);

/** As Go's archive/zip writes what it can't look at twice: sizes and CRC behind the file. */
function zip(content: Buffer): Buffer {
  const packed = deflateRawSync(content);
  const name = Buffer.from("etcd-snapshot-m-1");
  const numbers = [crc32(content), packed.length, content.length];
  const local = Buffer.alloc(30);
  local.writeUInt32LE(0x04034b50, 0);
  local.writeUInt16LE(8, 6);
  local.writeUInt16LE(8, 8);
  local.writeUInt16LE(name.length, 26);
  const central = Buffer.alloc(46);
  central.writeUInt32LE(0x02014b50, 0);
  central.writeUInt16LE(8, 8);
  central.writeUInt16LE(8, 10);
  numbers.forEach((value, index) => central.writeUInt32LE(value, 16 + 4 * index));
  central.writeUInt16LE(name.length, 28);
  const behind = Buffer.alloc(16);
  [0x08074b50, ...numbers].forEach((value, index) => behind.writeUInt32LE(value, 4 * index));
  const before = Buffer.concat([local, name, packed, behind]);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(1, 8);
  end.writeUInt16LE(1, 10);
  end.writeUInt32LE(central.length + name.length, 12);
  end.writeUInt32LE(before.length, 16);
  return Buffer.concat([before, central, name, end]);
}

function source(name: string, content: Buffer): Source {
  return {
    name,
    bytes: content.length,
    async *read(start, end) {
      // In pieces that no boundary respects.
      for (let at = start; at < end; at += 1000) yield content.subarray(at, Math.min(end, at + 1000));
    },
  };
}

const PLAIN = "etcd-snapshot-m-1";
const ZIP = "etcd-snapshot-m-1.zip";
const flipped = (content: Buffer, at: number) => {
  const copy = Buffer.from(content);
  copy[at] = (copy[at] ?? 0) ^ 1;
  return copy;
};

describe("inspect", () => {
  test("takes what etcd saved, plain and compressed", async () => {
    const sha256 = createHash("sha256").update(database()).digest("hex");

    expect(await inspect(source(PLAIN, snapshot()))).toEqual(
      { ok: true, sha256, databaseBytes: 8 * 4096, compressed: false }); // prettier-ignore
    expect(await inspect(source(ZIP, zip(snapshot())))).toEqual(
      { ok: true, sha256, databaseBytes: 8 * 4096, compressed: true }); // prettier-ignore
  });

  test.each([
    ["empty", PLAIN, Buffer.alloc(0), /empty/],
    ["an empty archive", ZIP, Buffer.alloc(0), /empty/],
    ["a single byte", ZIP, Buffer.alloc(1), /truncated/],
    ["truncated", PLAIN, snapshot().subarray(0, 20_100), /truncated/],
    ["truncated by whole sectors", PLAIN, snapshot().subarray(0, 16 * 512 + 32), /damaged.*SHA-256/],
    ["a truncated archive", ZIP, zip(snapshot()).subarray(0, 100), /truncated/],
    ["flipped", PLAIN, flipped(snapshot(), 5000), /damaged.*SHA-256/],
    ["flipped in its hash", PLAIN, flipped(snapshot(), snapshot().length - 3), /damaged.*SHA-256/],
    ["no database", PLAIN, snapshot(Buffer.alloc(4096)), /no database/],
    ["an archive of something cut", ZIP, zip(snapshot().subarray(0, 9000)), /truncated/],
    ["a file that is no archive", ZIP, snapshot(), /truncated/],
  ])("refuses what is %s", async (_, name, content, reason) => {
    expect(await inspect(source(name, content))).toEqual({
      ok: false,
      reason: expect.stringMatching(reason),
    });
  });

  test("sees a flipped bit anywhere in the packed file and in what is said behind it", async () => {
    const good = zip(snapshot());
    const behind = good.indexOf(Buffer.from([0x50, 0x4b, 7, 8]));

    for (let at = 47; at < behind + 16; at++) {
      const { ok } = await inspect(source(ZIP, flipped(good, at)));
      expect([at, ok]).toEqual([at, false]);
    }
  });

  test("passes on what is not the file's fault", async () => {
    const away: Source = { name: PLAIN, bytes: 10, read: () => Readable.throws() };

    await expect(inspect(away)).rejects.toThrow("R2 is away");
  });

  test("reads an archive of another program's", async () => {
    const script = "import sys, zipfile; zipfile.ZipFile(sys.stdout.buffer, 'w', zipfile.ZIP_DEFLATED).writestr('x', sys.stdin.buffer.read())"; // prettier-ignore
    const archive = execFileSync("python3", ["-c", script], { input: snapshot() });

    expect(await inspect(source(ZIP, archive))).toMatchObject({ ok: true });
  });
});

const glance = (name: string, content: Buffer) => looksWhole(source(name, content));

test("a glance tells what is cut from what ends as it should", async () => {
  expect([await glance(PLAIN, snapshot()), await glance(ZIP, zip(snapshot()))]).toEqual([true, true]);
  expect([
    await glance(PLAIN, Buffer.alloc(0)),
    await glance(PLAIN, snapshot().subarray(0, 20_100)),
    await glance(ZIP, Buffer.alloc(0)),
    await glance(ZIP, zip(snapshot()).subarray(0, -1)),
  ]).toEqual([false, false, false, false]);
});

const Readable = {
  // oxlint-disable-next-line require-yield
  async *throws(): AsyncGenerator<Uint8Array> {
    await Promise.resolve();
    throw new Error("R2 is away");
  },
};
