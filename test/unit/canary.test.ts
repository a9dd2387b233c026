import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { deflateSync, gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { canariesBelow, foundIn } from "../sandbox/canary.ts";

const CANARY = "canary-4f1c9e";
const folder = mkdtempSync(join(tmpdir(), "canary-"));
const python = (script: string) =>
  execFileSync("python3", ["-c", script, folder], { encoding: "buffer", maxBuffer: 1 << 28 });
const noise = randomBytes(1 << 20);
const text = Buffer.from(`{"data": {"token": "${CANARY}"}}`);
const base64 = (bytes: Buffer) => Buffer.from(bytes.toString("base64"));
const tar = (bytes: Buffer) => {
  writeFileSync(join(folder, "member"), bytes);
  return execFileSync("tar", ["--create", "--file=-", "--directory", folder, "member"], { maxBuffer: 1 << 28 }); // prettier-ignore
};
/** As programs write them: Python's own modules. */
const zip = (bytes: Buffer) => {
  writeFileSync(join(folder, "member"), bytes);
  return python("import io,sys,zipfile; out=io.BytesIO(); z=zipfile.ZipFile(out,'w',zipfile.ZIP_DEFLATED); z.write(sys.argv[1]+'/member','a/b'); z.close(); sys.stdout.buffer.write(out.getvalue())"); // prettier-ignore
};
const sqlite = (bytes: Buffer) => {
  rmSync(join(folder, "db"), { force: true });
  writeFileSync(join(folder, "member"), bytes);
  python("import sqlite3,sys; d=sqlite3.connect(sys.argv[1]+'/db'); d.execute('create table t(a)'); d.execute('insert into t values(?)',(open(sys.argv[1]+'/member','rb').read(),)); d.commit()"); // prettier-ignore
  return readFileSync(join(folder, "db"));
};

describe("a canary is found", () => {
  test.each([
    ["plain", text],
    ["amid noise", Buffer.concat([noise, text, noise])],
    ["base64", base64(text)],
    ["base64, behind letters that move it", Buffer.concat([Buffer.from("abc"), base64(text)])],
    ["base64 in lines", Buffer.from(base64(Buffer.concat([randomBytes(90), text])).toString().replaceAll(/.{76}/g, "$&\n"))],
    ["hex", Buffer.from(text.toString("hex"))],
    ["utf-16", Buffer.from(text.toString(), "utf16le")],
    ["zlib", deflateSync(text)],
    ["gzip, tar", gzipSync(tar(text))],
    ["gzip, tar, gzip, base64", gzipSync(tar(gzipSync(base64(text))))],
    ["gzip that was cut off", gzipSync(Buffer.concat([text, noise])).subarray(0, 900_000)],
    ["zip", zip(text)],
    ["zip, a database", zip(sqlite(text))],
    ["a database, base64, gzip, base64, as Helm's releases", sqlite(base64(base64(gzipSync(base64(text)))))],
  ])("%s", (_, bytes) => {
    expect(foundIn(bytes, ["another", CANARY])).toBeDefined();
  }); // prettier-ignore
});

test("nothing is found where none is", () => {
  for (const bytes of [noise, gzipSync(noise), zip(noise), tar(noise), Buffer.alloc(0), base64(noise)])
    expect(foundIn(bytes, [CANARY])).toBeUndefined();
});

test("files are named with how it was found", () => {
  const below = join(folder, "below/deeper");
  mkdirSync(below, { recursive: true });
  writeFileSync(join(below, "bad.tar.gz"), gzipSync(tar(base64(text))));
  writeFileSync(join(below, "good"), noise);

  expect(canariesBelow(join(folder, "below"), [CANARY])).toEqual(["deeper/bad.tar.gz: gzip, tar, base64, plain"]); // prettier-ignore
  rmSync(folder, { recursive: true });
});
