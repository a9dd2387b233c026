import { createHash } from "node:crypto";
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { copyObjects, fileOf, readCopies, restoreObjects } from "./copy.ts";
import type { Bucket } from "./s3.ts";

const MODIFIED = "Thu, 26 Nov 2026 12:00:00 GMT";
const stored = new Map<string, { bytes: Buffer; id: string }>();
let asked: string[] = [];
let server: Server;
let bucket: Bucket;
let folder: string;
let etag: (bytes: Buffer) => string;

const md5 = (bytes: Buffer) => createHash("md5").update(bytes).digest("hex");

beforeAll(async () => {
  server = createServer((request, response) => {
    void (async () => {
      const { method = "", url = "", headers } = request;
      asked.push(`${method} ${url}`);
      const key = decodeURIComponent(url.slice(3));
      if (method === "PUT") {
        stored.set(key, { bytes: await buffer(request), id: String(headers["x-amz-meta-id"]) });
        response.end();
        return;
      }
      const object = stored.get(key);
      if (object === undefined) return response.writeHead(404).end();
      const own = { "x-amz-meta-id": object.id, etag: `"${etag(object.bytes)}"`, "last-modified": MODIFIED };
      response.writeHead(200, { "content-length": object.bytes.length, ...own }).end(object.bytes);
    })();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  bucket = { endpoint: `http://127.0.0.1:${port}`, name: "b", key: { accessKeyId: "id", secretAccessKey: "s" } };
}); // prettier-ignore
afterAll(() => server.close());

beforeEach(() => {
  asked = [];
  etag = md5;
  stored.clear();
  folder = mkdtempSync(join(tmpdir(), "infra-k3s-copy-"));
  return () => rmSync(folder, { recursive: true });
});

const listed = () => [...stored].map(([key, { bytes }]) => ({ key, bytes: bytes.length, modified: "2026-11-26T12:00:00.123Z" })); // prettier-ignore

test("what was copied is put elsewhere as it was, with what was said of it", async () => {
  stored.set("etcd/one", { bytes: Buffer.from("first"), id: "t" });
  stored.set("velero/kopia/p 1", { bytes: Buffer.from([0, 255, 10]), id: "" });
  const before = new Map(stored);
  await copyObjects(bucket, listed(), folder);
  stored.clear();

  expect(await restoreObjects(folder, "b", { ...bucket, name: "b" })).toBe(2);
  expect(stored).toEqual(before);
});

test("what is there is not fetched again; what was cut off, or has changed in the bucket, is", async () => {
  for (const name of ["a", "b", "c"]) stored.set(name, { bytes: Buffer.from(`the ${name}`), id: "" });
  await copyObjects(bucket, listed(), folder);
  asked = [];
  await copyObjects(bucket, listed(), folder);
  expect(asked).toEqual([]);

  writeFileSync(fileOf(folder, "b", "a"), "the");
  stored.set("b", { bytes: Buffer.from("another"), id: "" });
  appendFileSync(join(folder, "b.jsonl"), '{"key":"c","by');
  await copyObjects(bucket, listed(), folder);
  expect(asked.sort()).toEqual(["GET /b/a", "GET /b/b"]);
  expect(readFileSync(fileOf(folder, "b", "b"), "utf8")).toBe("another");
  const sizes = readCopies(folder, "b").map(({ key, bytes }) => `${key} ${bytes}`);
  expect(sizes.sort()).toEqual(["a 5", "b 7", "c 5"]);
});

test("bytes that are not those of which R2 has the MD5 are refused; of an upload in parts there is none", async () => {
  stored.set("a", { bytes: Buffer.from("x"), id: "" });
  etag = () => "0".repeat(32);
  await expect(copyObjects(bucket, listed(), folder)).rejects.toThrow(/a of the bucket b was not copied[^]*MD5/);
  expect(readCopies(folder, "b")).toEqual([]);

  etag = () => `${"0".repeat(32)}-2`;
  await copyObjects(bucket, listed(), folder);
}); // prettier-ignore

test("a flipped byte in a copy is named, and not put anywhere", async () => {
  stored.set("velero/kopia/p1", { bytes: Buffer.from("abc"), id: "" });
  await copyObjects(bucket, listed(), folder);
  writeFileSync(fileOf(folder, "b", "velero/kopia/p1"), "abd");
  stored.clear();

  await expect(restoreObjects(folder, "b", bucket)).rejects.toThrow("velero/kopia/p1 was changed");
  expect(stored.size).toBe(0);
});

test.each(["../../etc/passwd", "a/../b", "a//b", "/a", "a/"])("the key %s is no path below the folder", (key) => {
  expect(() => fileOf("/copy", "b", key)).toThrow("is no path");
}); // prettier-ignore
