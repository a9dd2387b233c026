import { createDecipheriv, hkdfSync, scryptSync } from "node:crypto";

/** The object that says how a repository of Kopia's is encrypted: repo/format/format_blob.go. */
export const FORMAT_BLOB = "kopia.repository";

interface FormatBlob {
  uniqueID: string;
  keyAlgo: string;
  encryptedBlockFormat: string;
}

/**
 * What a repository's format blob hides, opened as Kopia does (internal/crypto): AES-256-GCM, with keys that HKDF makes of
 * what scrypt makes of the password. Undefined where the password is another; an Error where it is no format blob.
 */
export function openFormat(blob: Uint8Array, password: string): unknown {
  const { uniqueID, keyAlgo, encryptedBlockFormat } = parse(blob);
  const [, N = "", r = "", p = ""] = /^scrypt-(\d+)-(\d+)-(\d+)$/.exec(keyAlgo) ?? [];
  if (N === "") throw new Error(`its key is made by ${keyAlgo}, which is not known here`);
  const [salt, sealed] = [Buffer.from(uniqueID, "base64"), Buffer.from(encryptedBlockFormat, "base64")];
  const cost = { N: Number(N), r: Number(r), p: Number(p), maxmem: 256 * 1024 * 1024 };
  const plain = decrypt(sealed, scryptSync(password, salt, 32, cost), salt);
  return plain === undefined ? undefined : (JSON.parse(plain.toString("utf8")) as unknown);
}

function parse(blob: Uint8Array): FormatBlob {
  try {
    const found = JSON.parse(new TextDecoder().decode(blob)) as Partial<FormatBlob>;
    const { uniqueID, keyAlgo, encryptedBlockFormat } = found;
    if (uniqueID !== undefined && keyAlgo !== undefined && encryptedBlockFormat !== undefined)
      return { uniqueID, keyAlgo, encryptedBlockFormat };
  } catch {
    // What is no JSON is none either.
  }
  throw new Error(`it is no ${FORMAT_BLOB}, or a damaged one`);
}

/** EncryptAes256Gcm in internal/crypto/aesgcm.go: nonce, ciphertext, tag. */
function decrypt(sealed: Buffer, master: Buffer, salt: Buffer): Buffer | undefined {
  const derived = (purpose: string) => Buffer.from(hkdfSync("sha256", master, salt, purpose, 32));
  return open(sealed, derived("AES"), derived("CHECKSUM"));
}

function open(sealed: Buffer, key: Buffer, authenticated: Buffer): Buffer | undefined {
  if (sealed.length < 28) return undefined;
  const cipher = createDecipheriv("aes-256-gcm", key, sealed.subarray(0, 12));
  cipher.setAAD(authenticated).setAuthTag(sealed.subarray(-16));
  const plain = cipher.update(sealed.subarray(12, -16));
  try {
    cipher.final();
    return plain;
  } catch {
    return undefined;
  }
}
