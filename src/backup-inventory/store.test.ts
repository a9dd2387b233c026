import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { gunzipSync, gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Bucket } from "../tools/s3/s3.ts";
import { encryptBytesTo, openAgeBytes } from "../tools/sops/age-file.ts";
import { type AgeKey, newAgeKey } from "../tools/sops/age.ts";
import { compareInventories } from "./compare.ts";
import type { Inventory } from "./inventory.ts";
import { listInventories, openInventory, packInventory, readInventory, saveInventory } from "./store.ts";
import { entry, folder } from "./volume.fake.ts";

const INVENTORY: Inventory = {
  header: {
    format: 1,
    cluster: "prod",
    commit: "abc",
    backup: "2026-11-26",
    made: "2026-11-26T12:00:00Z",
    k3s: "v1.36.3+k3s1",
    images: [],
    key: "0a".repeat(32),
  },
  leftOut: [{ name: "shop/nfs", why: "it is not of type local" }],
  volumes: [
    {
      name: "shop/data",
      node: "w1",
      problem: "",
      entries: [
        folder("."),
        entry("bytes \udcff\udcfe and\nlines €𝄞", { size: 9_007_199_254_740_991, mtime: "9223372036854775807" }),
        entry("link", { type: "symlink", target: "../x", sha256: "", size: 0, mode: "0777", xattrs: "aa" }),
        entry("busy", { problem: "changed", links: 3 }),
      ],
    },
    { name: "shop/far", node: "w2", problem: "w2 can't be reached", entries: [] },
  ],
  objects: [
    { group: "apps", kind: "Deployment", namespace: "shop", name: "shop", sha256: "b".repeat(64), fields: { "spec.replicas": "0123" }, isChanging: true },
  ],
}; // prettier-ignore

let key: AgeKey;
let drill: AgeKey;
beforeEach(async () => {
  [key, drill] = await Promise.all([newAgeKey(), newAgeKey()]);
});

const pack = (inventory = INVENTORY) => packInventory([key.recipient, drill.recipient], inventory);
const open = (bytes: Uint8Array) => openInventory("b.age", bytes, [key]);

/** The file after a change of its lines. */
const changed = async (change: (lines: string[]) => string[]) => {
  const lines = gunzipSync(await openAgeBytes("b.age", await pack(), [key])).toString().trimEnd().split("\n");
  return encryptBytesTo([key.recipient], gzipSync(`${change(lines).join("\n")}\n`));
}; // prettier-ignore

describe("an inventory's file", () => {
  test("opens with either key as it was written, odd names and large numbers too", async () => {
    const bytes = await pack();

    expect(await open(bytes)).toEqual(INVENTORY);
    expect(await openInventory("b.age", bytes, [drill])).toEqual(INVENTORY);
    expect(Buffer.from(bytes).includes("shop")).toBe(false);
    await expect(openInventory("b.age", bytes, [await newAgeKey()])).rejects.toThrow(/does not open with this key/);
  }); // prettier-ignore

  test("has 100,000 files in some megabytes, and is equal to itself", async () => {
    const entries = [folder("."), ...Array.from({ length: 100_000 }, (_, i) => entry(`d/${i}`, { mtime: String(i), sha256: (i * 7919).toString(16).padStart(64, "0") }))]; // prettier-ignore
    const large = { ...INVENTORY, volumes: [{ name: "shop/data", node: "w1", problem: "", entries }] };
    const bytes = await pack(large);
    const { volumes } = compareInventories(large, await open(bytes));

    expect(bytes.length).toBeLessThan(8_000_000);
    expect(volumes).toMatchObject({ filesCompared: 100_000, differing: [] });
  });

  test.each([
    ["without its last line", (lines: string[]) => lines.slice(0, -1), /its last line/],
    ["with a line less", (lines: string[]) => lines.toSpliced(4, 1), /its last line/],
    ["with a line more", (lines: string[]) => [...lines, '{"end":1}'], /more after its last line/],
    ["without a header", (lines: string[]) => lines.slice(1), /no header/],
    ["of a newer format", (lines: string[]) => lines.map((line) => line.replace('"format":1', '"format":2')), /has format 2/],
    ["with a hash that is none", (lines: string[]) => lines.map((line) => line.replace("aaaaaaaa", "hunter22")), /can't be read/],
    ["with a line of another kind", (lines: string[]) => [`{"hunter":1}`, ...lines], /can't be read|called hunter/],
  ])("%s is refused", async (_, change, message) => {
    await expect(open(await changed(change))).rejects.toThrow(message);
  }); // prettier-ignore

  test("cut or changed anywhere it is refused", async () => {
    const bytes = await pack();
    for (const cut of [0, 1, 200, bytes.length - 1])
      await expect(open(bytes.slice(0, cut))).rejects.toThrow(/is empty|is damaged/);
    const flipped = bytes.slice();
    flipped[flipped.length - 20] = (flipped[flipped.length - 20] ?? 0) ^ 1;
    await expect(open(flipped)).rejects.toThrow(/is damaged/);
  });
});

describe("in a bucket", () => {
  const objects = new Map<string, Buffer>();
  let server: Server;
  let bucket: Bucket;
  beforeEach(async () => {
    objects.clear();
    server = createServer((request, response) => {
      const url = new URL(request.url ?? "", "http://s3");
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        const prefix = url.searchParams.get("prefix") ?? "";
        if (request.method === "PUT") objects.set(url.pathname, Buffer.concat(chunks));
        const found = objects.get(url.pathname);
        const list = [...objects.keys()].filter((path) => path.startsWith(`/backups/${prefix}`));
        if (url.searchParams.has("list-type"))
          response.end(list.map((path) => `<Contents><Key>${path.slice(9)}</Key><Size>1</Size></Contents>`).join(""));
        else if (found !== undefined) response.end(request.method === "PUT" ? "" : found);
        else response.writeHead(404).end("<Error><Code>NoSuchKey</Code><Message>not there</Message></Error>");
      });
    });
    await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
    const { port } = server.address() as AddressInfo;
    bucket = { endpoint: `http://127.0.0.1:${port}`, name: "backups", key: { accessKeyId: "a", secretAccessKey: "b" } };
  }); // prettier-ignore
  afterEach(() => server.close());

  test("it lies beside its backup, is listed and read", async () => {
    const at = await saveInventory(bucket, [key.recipient], INVENTORY);

    expect(at).toBe("inventory/2026-11-26.jsonl.gz.age");
    expect(await listInventories(bucket)).toEqual(["2026-11-26"]);
    expect(await readInventory(bucket, "2026-11-26", [key])).toEqual(INVENTORY);
  });

  test("one that is not there, and one in another's place, are told", async () => {
    await saveInventory(bucket, [key.recipient], INVENTORY);
    const [[, bytes] = []] = objects;
    objects.set("/backups/inventory/other.jsonl.gz.age", bytes ?? Buffer.from(""));

    await expect(readInventory(bucket, "none", [key])).rejects.toThrow(
      /no inventory of none in the bucket backups/,
    );
    await expect(readInventory(bucket, "other", [key])).rejects.toThrow(/is the inventory of 2026-11-26/);
  });
});
