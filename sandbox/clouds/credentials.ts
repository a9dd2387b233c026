import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { Store } from "./store.ts";
import type { Acl } from "./vultr/access.ts";

/** The operator's credentials at the simulated vendors, each made once per sandbox. */
export interface Credentials {
  /** Hetzner's tokens belong to a project and read, or read and write. */
  hetzner: { token: string; access: "read" | "read-write" }[];
  aws?: AwsKey[];
  vultr?: VultrKey[];
  /** The S3 server behind R2's gate; nobody but the gate has it. */
  s3: { id: string; secret: string };
}

export interface AwsKey {
  user: string;
  accessKeyId: string;
  secretAccessKey: string;
  /** What IAM lets it do, such as `ec2:Describe*`. */
  allow: string[];
}

export interface VultrKey {
  key: string;
  /** What its user may. */
  acls: Acl[];
  /** The addresses it is good from; undefined: all. */
  from?: string[];
  /** ISO 8601; undefined: never. */
  expires?: string;
}

export function credentialsStore(stateDir: string): Store<Credentials> {
  return new Store(join(stateDir, "clouds/credentials.json"), { hetzner: [], s3: { id: "", secret: "" } });
}

export function ensureCredentials(stateDir: string): Credentials {
  const store = credentialsStore(stateDir);
  const known = store.read();
  if (known.hetzner.length > 0 && known.aws !== undefined && known.vultr !== undefined) return known;
  return store.change((credentials) => {
    if (credentials.hetzner.length === 0)
      credentials.hetzner.push({ token: letters(64), access: "read-write" });
    credentials.aws ??= [
      {
        user: "infra-k3s",
        accessKeyId: `AKIA${letters(16).toUpperCase()}`,
        secretAccessKey: letters(40),
        allow: ["ec2:*", "pricing:GetProducts"],
      },
    ];
    credentials.vultr ??= [{ key: letters(36).toUpperCase(), acls: ["subscriptions_view", "subscriptions", "provisioning", "upgrade", "firewall"] }]; // prettier-ignore
    if (credentials.s3.id === "") credentials.s3 = { id: letters(20), secret: letters(40) };
    return credentials;
  });
}

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

export function letters(length: number): string {
  return [...randomBytes(length)].map((byte) => ALPHABET[byte % ALPHABET.length]).join("");
}

export const hex = (length: number): string => randomBytes(length / 2).toString("hex");
