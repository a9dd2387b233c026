import { createCipheriv, hkdfSync, randomBytes, scryptSync } from "node:crypto";
import { expect, test } from "vitest";
import { openFormat } from "./kopia.ts";

/** As Kopia writes it (repo/format/format_blob.go), with a cheaper scrypt. */
function formatBlob(password: string, hidden: unknown): Buffer {
  const [salt, nonce] = [randomBytes(32), randomBytes(12)];
  const master = scryptSync(password, salt, 32, { N: 1024, r: 8, p: 1 });
  const derived = (purpose: string) => Buffer.from(hkdfSync("sha256", master, salt, purpose, 32));
  const cipher = createCipheriv("aes-256-gcm", derived("AES"), nonce).setAAD(derived("CHECKSUM"));
  const sealed = [nonce, cipher.update(JSON.stringify(hidden)), cipher.final(), cipher.getAuthTag()];
  const encryptedBlockFormat = Buffer.concat(sealed).toString("base64");
  return Buffer.from(
    JSON.stringify({ uniqueID: salt.toString("base64"), keyAlgo: "scrypt-1024-8-1", encryptedBlockFormat }),
  );
}

test("a repository opens with its own password, and with no other", () => {
  const blob = formatBlob("right", { format: { hash: "BLAKE2B-256-128" } });

  expect(openFormat(blob, "right")).toEqual({ format: { hash: "BLAKE2B-256-128" } });
  expect(openFormat(blob, "static-passw0rd")).toBeUndefined();
  expect(openFormat(blob, "")).toBeUndefined();
});

test("what is no format blob is told apart from a wrong password", () => {
  expect(() => openFormat(Buffer.from("x"), "right")).toThrow(/no kopia.repository/);
  expect(() => openFormat(Buffer.from("{}"), "right")).toThrow(/no kopia.repository/);
  expect(() =>
    openFormat(Buffer.from('{"uniqueID":"","keyAlgo":"pbkdf2","encryptedBlockFormat":""}'), "right"),
  ).toThrow(/pbkdf2/);
});
