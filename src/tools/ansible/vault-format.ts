import { createHmac, pbkdf2Sync, timingSafeEqual } from "node:crypto";

/**
 * What keeps a vault from opening, found without Ansible: `plain` is not encrypted at all, `damaged` is not what Ansible wrote,
 * `password` opens with another password, or was changed by hand in a way that still looks whole.
 * https://docs.ansible.com/ansible-core/2.19/vault_guide/vault_encrypting_content.html#ansible-vault-payload-format-1-1-1-2
 */
export type VaultFault = "plain" | "damaged" | "password";

export function vaultFault(text: string, password: string): VaultFault | undefined {
  const [header = "", ...lines] = text.trimEnd().split(/\r?\n/);
  if (!header.startsWith("$ANSIBLE_VAULT;")) return "plain";
  if (!/^\$ANSIBLE_VAULT;1\.[12];AES256(;[^;]+)?$/.test(header)) return "damaged";
  const [salt, mac, ciphertext, ...more] =
    fromHex(lines.join(""))?.toString("latin1").split("\n").map(fromHex) ?? [];
  if (salt?.length !== 32 || mac?.length !== 32 || !ciphertext?.length || more.length > 0) return "damaged";
  // 32 bytes that encrypt, 32 that sign, 16 to begin with.
  const key = pbkdf2Sync(password, salt, 10_000, 80, "sha256").subarray(32, 64);
  const own = createHmac("sha256", key).update(ciphertext).digest();
  return timingSafeEqual(own, mac) ? undefined : "password";
}

function fromHex(text: string): Buffer | undefined {
  return /^([0-9a-f]{2})*$/.test(text) ? Buffer.from(text, "hex") : undefined;
}
