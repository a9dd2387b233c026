import { chmodSync, existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { armor, Decrypter, generateX25519Identity, identityToRecipient } from "age-encryption";
import { writeAtomically } from "../../repository/write.ts";

/** The private keys this place opens Secrets with, the cluster's first: 0600, never in git, as age and SOPS read them. */
export const AGE_KEY_FILE = ".age-key.local";

export interface AgeKey {
  identity: string;
  recipient: string;
}

export async function newAgeKey(): Promise<AgeKey> {
  const identity = await generateX25519Identity();
  return { identity, recipient: await identityToRecipient(identity) };
}

export async function readAgeKeys(root: string): Promise<AgeKey[]> {
  const path = join(root, AGE_KEY_FILE);
  if (!existsSync(path)) return [];
  if ((statSync(path).mode & 0o077) !== 0) chmodSync(path, 0o600);
  const identities = readFileSync(path, "utf8").match(/^AGE-SECRET-KEY-1[0-9A-Z]+$/gm) ?? [];
  return Promise.all(
    identities.map(async (identity) => ({ identity, recipient: await identityToRecipient(identity) })),
  );
}

/** The public half; undefined for what is no key, such as one that was mistyped: its last characters are a checksum. */
export async function recipientOf(identity: string): Promise<string | undefined> {
  try {
    return await identityToRecipient(identity);
  } catch {
    return undefined;
  }
}

/** Puts a key first; those before stay, since the cluster and git's history may still need them. */
export function keepAgeKey(root: string, name: string, { identity, recipient }: AgeKey, since: string): void {
  const path = join(root, AGE_KEY_FILE);
  const before = existsSync(path)
    ? `\n# Older keys, for what is still encrypted to them: take them out once the cluster has the one above.\n${readFileSync(path, "utf8")}`
    : "";
  const head = `# ${name}, made ${since}. Never in git; it opens every Secret of this repository.\n# public key: ${recipient}\n`;
  writeAtomically(path, `${head}${identity}\n${before}`, 0o600);
}

/** Whether the armored text is really encrypted to that key. */
export async function opens({ identity }: AgeKey, enc: string): Promise<boolean> {
  const decrypter = new Decrypter();
  decrypter.addIdentity(identity);
  try {
    await decrypter.decrypt(armor.decode(enc));
    return true;
  } catch {
    return false;
  }
}
