import { armor, Decrypter, Encrypter } from "age-encryption";
import { type Fault, UserError } from "../../output/errors.ts";
import type { AgeKey } from "./age.ts";

/** Files that age encrypts whole: https://age-encryption.org/v1. Armored, so that a password manager takes one as text. */
const BEGIN = "-----BEGIN AGE ENCRYPTED FILE-----";
const END = "-----END AGE ENCRYPTED FILE-----";

export async function encryptTo(recipients: readonly string[], plain: string): Promise<string> {
  const encrypter = new Encrypter();
  for (const recipient of recipients) encrypter.addRecipient(recipient);
  return armor.encode(await encrypter.encrypt(plain));
}

/** Not armored: for what a program reads, and is large. */
export async function encryptBytesTo(
  recipients: readonly string[],
  plain: Uint8Array,
): Promise<Uint8Array<ArrayBuffer>> {
  const encrypter = new Encrypter();
  for (const recipient of recipients) encrypter.addRecipient(recipient);
  return new Uint8Array(await encrypter.encrypt(plain));
}

export async function openAgeBytes(
  name: string,
  bytes: Uint8Array,
  keys: readonly AgeKey[],
): Promise<Uint8Array> {
  if (bytes.length === 0) throw new UserError({ what: `${name} is empty`, fix: COPY });
  return openWith(name, bytes, keys);
}

export function looksEncrypted(text: string): boolean {
  return text.trimStart().startsWith(BEGIN);
}

/** Opens a file with any of these keys. Each way in which it can be broken has an error of its own; `name` is what it is called. */
export async function openAgeFile(name: string, text: string, keys: readonly AgeKey[]): Promise<string> {
  const fault = shapeFault(name, text.trim());
  if (fault !== undefined) throw new UserError(fault);
  return new TextDecoder().decode(await openWith(name, unarmored(name, text), keys));
}

function unarmored(name: string, text: string): Uint8Array {
  try {
    return armor.decode(text);
  } catch {
    throw new UserError(damaged(name));
  }
}

async function openWith(name: string, bytes: Uint8Array, keys: readonly AgeKey[]): Promise<Uint8Array> {
  const decrypter = new Decrypter();
  for (const { identity } of keys) decrypter.addIdentity(identity);
  try {
    return await decrypter.decrypt(bytes);
  } catch (error) {
    // The library has no error classes: this one alone is about the key, every other about the file.
    if (!(error instanceof Error && error.message.startsWith("no identity matched"))) {
      throw new UserError(damaged(name));
    }
    throw new UserError({
      what: `${name} does not open with this key`,
      why: `the key given is the private half of ${keys.map(({ recipient }) => recipient).join(", ")}; the file is encrypted to another one, or its first lines were changed`,
      fix: "give the recovery key of the day the file was made, or use another copy of it",
    });
  }
}

function shapeFault(name: string, text: string): Fault | undefined {
  if (text === "") return { what: `${name} is empty`, fix: COPY };
  if (!looksEncrypted(text)) {
    if (BEGIN.startsWith(text)) return truncated(name);
    return {
      what: `${name} is no file that age encrypted`,
      why: `it does not begin with ${BEGIN}`,
      fix: `name the right file, or use another copy of it`,
    };
  }
  const last = text.slice(text.lastIndexOf("\n") + 1);
  if (last === END) return undefined;
  // As long as the last line should be, or with its end, it is there and was changed.
  const isThere = (last.length === END.length && last.startsWith("-----")) || text.endsWith(END.slice(-10));
  return isThere ? damaged(name) : truncated(name);
}

const COPY = "use another copy of it, or make it anew";

function truncated(name: string): Fault {
  return { what: `${name} is truncated`, why: `its last line, ${END}, is not there`, fix: COPY };
}

function damaged(name: string): Fault {
  return { what: `${name} is damaged`, why: "something in it was changed since it was encrypted", fix: COPY };
}
