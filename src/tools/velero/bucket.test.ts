import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Bucket } from "../s3/s3.ts";
import { jsonOf, listVolumeBackups } from "./bucket.ts";

const backup = (name: string, status: object) =>
  JSON.stringify({ metadata: { name, creationTimestamp: "2026-11-26T10:00:00Z" }, status });
const OBJECTS: Record<string, string> = {
  "velero/backups/old/velero-backup.json": backup("old", { phase: "Completed", startTimestamp: "2026-11-26T10:00:01Z", expiration: "2026-12-10T10:00:01Z" }),
  "velero/backups/old/old.tar.gz": "x",
  "velero/backups/new/velero-backup.json": backup("new", { phase: "PartiallyFailed", startTimestamp: "2026-11-26T11:00:00Z", errors: 2, warnings: 1 }),
  "velero/backups/cut/velero-backup.json": "{",
  "velero/backups/half/half.tar.gz": "x",
}; // prettier-ignore
let server: Server;
let bucket: Bucket;

beforeAll(async () => {
  server = createServer(({ url = "" }, response) => {
    const prefix = new URL(url, "http://x").searchParams.get("prefix");
    const key = decodeURIComponent(url.slice("/b/".length));
    if (prefix === null) response.writeHead(key in OBJECTS ? 200 : 404).end(OBJECTS[key] ?? "");
    else {
      const keys = Object.keys(OBJECTS).filter((one) => one.startsWith(prefix));
      const contents = keys.map((one) => `<Contents><Key>${one}</Key><Size>1</Size><LastModified>2026-11-26T09:00:00.000Z</LastModified></Contents>`); // prettier-ignore
      response.end(`<ListBucketResult><IsTruncated>false</IsTruncated>${contents.join("")}</ListBucketResult>`); // prettier-ignore
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const key = { accessKeyId: "id", secretAccessKey: "secret" };
  bucket = { endpoint: `http://127.0.0.1:${port}`, name: "b", key };
});
afterAll(() => server.close());

test("backups are listed as the bucket has them, the newest first, and those that can't be read as such", async () => {
  const found = await listVolumeBackups(bucket);

  expect(found.map(({ name, phase }) => `${name} ${phase}`)).toEqual([
    "new PartiallyFailed",
    "old Completed",
    "cut Unreadable",
    "half Unreadable",
  ]);
  expect(found[0]).toEqual({
    name: "new",
    at: "2026-11-26T11:00:00.000Z",
    expires: null,
    phase: "PartiallyFailed",
    errors: 2,
    warnings: 1,
  });
  expect(found[1]?.expires).toBe("2026-12-10T10:00:01.000Z");
});

test("JSON is read compressed or not, and what is neither is undefined", () => {
  expect(jsonOf(gzipSync("[1]"))).toEqual([1]);
  expect(jsonOf(Buffer.from("[1]"))).toEqual([1]);
  expect(jsonOf(gzipSync("[1]").subarray(0, 12))).toBeUndefined();
});
