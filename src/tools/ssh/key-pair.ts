import { generateKeyPairSync, randomBytes } from "node:crypto";

export interface KeyPair {
  /** In OpenSSH's own format, without a passphrase. */
  privateKey: string;
  /** `ssh-ed25519 AAAA… COMMENT`. */
  publicKey: string;
}

/**
 * A new ed25519 key pair. Made here and not by ssh-keygen, which can only write a private key to a disk.
 * https://github.com/openssh/openssh-portable/blob/V_9_2_P1/PROTOCOL.key
 */
export function newKeyPair(comment: string): KeyPair {
  const { d = "", x = "" } = generateKeyPairSync("ed25519").privateKey.export({ format: "jwk" });
  const [secret, point] = [Buffer.from(d, "base64url"), Buffer.from(x, "base64url")];
  const type = text("ssh-ed25519");
  const publicBlob = Buffer.concat([type, text(point)]);
  const check = randomBytes(4);
  const plain = Buffer.concat([
    check,
    check,
    publicBlob,
    text(Buffer.concat([secret, point])),
    text(comment),
  ]);
  // Padded with 1, 2, 3… to the block size of "no cipher", which is 8.
  const padding = Buffer.from([...Array((8 - (plain.length % 8)) % 8).keys()].map((index) => index + 1));
  const whole = Buffer.concat([
    Buffer.from("openssh-key-v1\0"),
    text("none"),
    text("none"),
    text(""),
    number(1),
    text(publicBlob),
    text(Buffer.concat([plain, padding])),
  ]);
  const lines = whole.toString("base64").match(/.{1,70}/g) ?? [];
  const [begin, end] = ["BEGIN", "END"].map((word) => `-----${word} OPENSSH PRIVATE KEY-----`);
  return {
    privateKey: `${begin}\n${lines.join("\n")}\n${end}\n`,
    publicKey: `ssh-ed25519 ${publicBlob.toString("base64")} ${comment}`,
  };
}

/** SSH's string: its length in four bytes, then its bytes. */
function text(value: string | Buffer): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([number(bytes.length), bytes]);
}

function number(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
