import { Readable } from "node:stream";
import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { readObjects } from "./volume-backup.ts";
import { type TarFile, tarFiles } from "./tar.ts";

function header(name: string, size: number, type = "0"): Buffer {
  const block = Buffer.alloc(512);
  block.write(name.slice(0, 100));
  block.write("0000644\0", 100);
  block.write(`${size.toString(8).padStart(11, "0")}\0`, 124);
  block.write("        ", 148);
  block.write(type, 156);
  const sum = block.reduce((before, byte) => before + byte, 0);
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return block;
}

function file(name: string, content: string, type = "0"): Buffer {
  const bytes = Buffer.from(content);
  return Buffer.concat([
    header(name, bytes.length, type),
    bytes,
    Buffer.alloc((512 - (bytes.length % 512)) % 512),
  ]);
}

const LONG = `resources/configmaps/namespaces/shop/${"x".repeat(120)}.json`;
const pax = (path: string) => {
  const record = ` path=${path}\n`;
  return file("PaxHeaders.0/x", `${record.length + 3}${record}`, "x");
};
const namespace = (name: string) =>
  file(
    `resources/namespaces/cluster/${name}.json`,
    JSON.stringify({ metadata: { name, labels: { a: "b" }, uid: "u" } }),
  );
const PARTS = [
  file("metadata/version", "1.1.0"),
  namespace("shop"),
  namespace("empty"),
  file("resources/configmaps/namespaces/shop/a.json", "{}"),
  file("resources/configmaps/v1-preferredversion/namespaces/shop/a.json", "{}"),
  pax(LONG),
  file(LONG, "{}"),
];
const END = Buffer.alloc(1024);
const whole = gzipSync(Buffer.concat([...PARTS, END]));
const stream = (bytes: Buffer, step = 100) =>
  Readable.from(
    Array.from({ length: Math.ceil(bytes.length / step) }, (_, at) =>
      bytes.subarray(at * step, (at + 1) * step),
    ),
  );

async function all(bytes: Buffer): Promise<TarFile[]> {
  const found: TarFile[] = [];
  for await (const one of tarFiles(stream(bytes))) found.push(one);
  return found;
}

test("every file is read, a long name too, in whatever pieces it comes", async () => {
  const found = await all(whole);

  expect(found.map(({ name }) => name)).toEqual([
    "metadata/version",
    "resources/namespaces/cluster/shop.json",
    "resources/namespaces/cluster/empty.json",
    "resources/configmaps/namespaces/shop/a.json",
    "resources/configmaps/v1-preferredversion/namespaces/shop/a.json",
    LONG,
  ]);
  expect(found[0]?.content.toString()).toBe("1.1.0");
});

test.each([
  ["cut in the middle", whole.subarray(0, whole.length / 2), /unexpected end|cut off/],
  ["without its last bytes", whole.subarray(0, -4), /unexpected end/],
  ["compressed whole, but not ended", gzipSync(Buffer.concat(PARTS)), /cut off: the archive has no end/],
  [
    "compressed whole, but cut within a file",
    gzipSync(Buffer.concat(PARTS).subarray(0, 700)),
    /cut off in metadata|cut off/,
  ],
  ["no archive", Buffer.from("no"), /incorrect header check|unexpected end/],
])("one that is %s is no archive", async (_, bytes, why) => {
  await expect(all(bytes)).rejects.toThrow(why);
});

test("a flipped bit is seen, wherever it is", async () => {
  for (let at = 10; at < whole.length; at += 7) {
    const flipped = Buffer.from(whole);
    flipped[at] = (flipped[at] ?? 0) ^ 0x04;
    await expect(all(flipped)).rejects.toThrow(/./);
  }
});

test("a backup's objects are counted once, and its namespaces are those that something is in", async () => {
  expect(await readObjects(stream(whole))).toEqual({
    objects: 4,
    namespaces: [{ apiVersion: "v1", kind: "Namespace", metadata: { name: "shop", labels: { a: "b" } } }],
  });
});

test("one without an object, and one with an object that is none, are broken", async () => {
  const none = gzipSync(Buffer.concat([file("metadata/version", "1"), END]));
  const bad = gzipSync(Buffer.concat([file("resources/pods/namespaces/a/b.json", "{"), END]));

  await expect(readObjects(stream(none))).rejects.toThrow("it holds no object");
  await expect(readObjects(stream(bad))).rejects.toThrow("pods/namespaces/a/b.json is no JSON");
});
