import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Bucket, headObject, listObjects, readObject, readRange } from "./s3.ts";

/** A bucket with `etcd/a` in it, as S3 answers. */
const CONTENT = Buffer.from("0123456789");
const BIG = 4 * 1024 * 1024;
const asked: string[] = [];
let server: Server;
let bucket: Bucket;

beforeAll(async () => {
  server = createServer((request, response) => {
    const { method = "", url = "", headers } = request;
    asked.push(`${method} ${url}`);
    if (url.includes("list-type=2")) {
      const contents = "<Contents><Key>etcd/a&amp;b</Key><Size>10</Size><LastModified>2026-11-26T12:00:00.000Z</LastModified></Contents>"; // prettier-ignore
      response.end(`<ListBucketResult><IsTruncated>false</IsTruncated>${contents}</ListBucketResult>`);
      return;
    }
    if (url.endsWith("/etcd/big")) {
      response.writeHead(206, { "content-length": BIG, connection: "close" }).end(Buffer.alloc(BIG));
      return;
    }
    if (!url.endsWith("/etcd/a%20b")) {
      response.writeHead(url.endsWith("/locked") ? 403 : 404).end("<Error><Code>No</Code></Error>");
      return;
    }
    const [, start, end] = /^bytes=(\d+)-(\d+)$/.exec(headers.range ?? "") ?? ["", "0", "9"];
    const part = CONTENT.subarray(Number(start), Number(end) + 1);
    response.writeHead(headers.range === undefined ? 200 : 206, {
      "content-length": part.length,
      "last-modified": "Thu, 26 Nov 2026 12:00:00 GMT",
      "x-amz-meta-K3s-Token-Hash": "0123456789ab",
    });
    response.end(method === "HEAD" ? undefined : part);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const key = { accessKeyId: "id", secretAccessKey: "secret" };
  bucket = { endpoint: `http://127.0.0.1:${port}`, name: "b", key };
});
afterAll(() => server.close());

test("what lies below a prefix", async () => {
  expect(await listObjects(bucket, "etcd/")).toEqual([
    { key: "etcd/a&b", bytes: 10, modified: "2026-11-26T12:00:00.000Z" },
  ]);
  expect(asked.at(-1)).toBe("GET /b?list-type=2&prefix=etcd%2F");
});

test("what is known of an object, and that there is none", async () => {
  expect(await headObject(bucket, "etcd/a b")).toEqual({
    key: "etcd/a b",
    bytes: 10,
    modified: "2026-11-26T12:00:00.000Z",
    etag: "",
    metadata: { "k3s-token-hash": "0123456789ab" },
  });
  expect(await headObject(bucket, "etcd/c")).toBeUndefined();
  expect(await readObject(bucket, "etcd/a b")).toEqual(new TextEncoder().encode("0123456789"));
  expect(await readObject(bucket, "etcd/c")).toBeUndefined();
  await expect(headObject(bucket, "locked")).rejects.toThrow("403");
});

test.each([
  [2, 5, "234"],
  [0, 10, "0123456789"],
  [4, 4, ""],
])("bytes %i to %i", async (start, end, expected) => {
  const parts: Uint8Array[] = [];
  for await (const part of readRange(bucket, "etcd/a b", start, end)) parts.push(part);

  expect(Buffer.concat(parts).toString()).toBe(expected);
});

test("a reader that takes its time gets all of what a server sent before it closed the connection", async () => {
  let bytes = 0;
  for await (const part of readRange(bucket, "etcd/big", 0, BIG)) {
    bytes += part.length;
    if (bytes < BIG / 4) await sleep(20);
  }

  expect(bytes).toBe(BIG);
});

async function readLocked(): Promise<void> {
  for await (const part of readRange(bucket, "locked", 0, 5)) expect(part).toBeUndefined();
}

test("what the bucket refuses is told in its words", async () => {
  await expect(readLocked()).rejects.toThrow(/refused GET \/locked[^]*403: No/);
});
