import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { Store } from "./store.ts";

/** The operator's credentials at the simulated vendors, each made once per sandbox. */
export interface Credentials {
  /** Hetzner's tokens belong to a project and read, or read and write. */
  hetzner: { token: string; access: "read" | "read-write" }[];
}

export function credentialsStore(stateDir: string): Store<Credentials> {
  return new Store(join(stateDir, "clouds/credentials.json"), { hetzner: [] });
}

export function ensureCredentials(stateDir: string): Credentials {
  const store = credentialsStore(stateDir);
  const known = store.read();
  if (known.hetzner.length > 0) return known;
  return store.change((credentials) => {
    credentials.hetzner.push({ token: letters(64), access: "read-write" });
    return credentials;
  });
}

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

export function letters(length: number): string {
  return [...randomBytes(length)].map((byte) => ALPHABET[byte % ALPHABET.length]).join("");
}
