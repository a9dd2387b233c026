import { createDecipheriv, pbkdf2Sync } from "node:crypto";
import { z } from "zod";

const EncryptedSchema = z.object({
  meta: z.record(z.string(), z.string()),
  encrypted_data: z.string(),
  encryption_version: z.literal("v0"),
});
const KeySchema = z.object({
  salt: z.string(),
  iterations: z.int(),
  hash_function: z.string(),
  key_length: z.int(),
});
const StateSchema = z.object({
  resources: z.array(
    z.object({
      mode: z.string(),
      type: z.string(),
      instances: z.array(z.object({ attributes: z.record(z.string(), z.unknown()) })),
    }),
  ),
}); // prettier-ignore

export type State = z.output<typeof StateSchema>;

/** A state that OpenTofu has encrypted, opened: https://opentofu.org/docs/language/state/encryption/ (PBKDF2, AES-GCM). */
export function openState(text: string, passphrase: string): State {
  const { meta, encrypted_data } = EncryptedSchema.parse(JSON.parse(text));
  const [told = ""] = Object.values(meta);
  const derivation = KeySchema.parse(JSON.parse(Buffer.from(told, "base64").toString("utf8")));
  const { salt, iterations, key_length, hash_function } = derivation;
  const key = pbkdf2Sync(passphrase, Buffer.from(salt, "base64"), iterations, key_length, hash_function);
  const data = Buffer.from(encrypted_data, "base64");
  const opener = createDecipheriv("aes-256-gcm", key, data.subarray(0, 12)).setAuthTag(data.subarray(-16));
  try {
    const plain = Buffer.concat([opener.update(data.subarray(12, -16)), opener.final()]);
    return StateSchema.parse(JSON.parse(plain.toString("utf8")));
  } catch {
    // What it says may be secret.
    throw new Error("OpenTofu's state does not open with the recovery kit's passphrase");
  }
}

/** The attributes of each resource of a type. */
export function attributesOf(state: State, mode: "managed" | "data", type: string): Record<string, unknown>[] {
  const found = state.resources.filter((one) => one.mode === mode && one.type === type);
  return found.flatMap(({ instances }) => instances.map(({ attributes }) => attributes));
} // prettier-ignore
