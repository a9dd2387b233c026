import assert from "node:assert/strict";
import { createDecipheriv, hkdfSync, scryptSync } from "node:crypto";
import { existsSync, globSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { cloudflareStore } from "../../sandbox/clouds/cloudflare/api.ts";
import { STATE } from "./gitops-place.ts";
import { HOSTS } from "./outside.ts";
import { at, cluster, must } from "./place.ts";

/** Where the sandbox's R2 keeps the objects of the backups' bucket. */
export function bucketPath(...key: string[]): string {
  const { name } = parse(readFileSync(join(cluster, "cluster.yaml"), "utf8")) as { name: string };
  return join(STATE, "r2/buckets", `${name}-backups`, ...key);
}

/** While R2 is out of the hosts' reach: what they and their pods send there has no route. */
export async function withoutR2<T>(use: () => Promise<T>): Promise<T> {
  const { id } = cloudflareStore(join(STATE, "clouds")).read();
  const named = await must(at("hetzner-1", `getent ahosts ${id}.r2.cloudflarestorage.com`));
  const addresses = new Set(named.stdout.split("\n").flatMap((line) => line.split(" ")[0] || []));
  const route = (verb: string) =>
    [...addresses]
      .map((address) => `ip ${address.includes(":") ? "-6 " : ""}route ${verb} unreachable ${address}`)
      .join(" && ");
  await Promise.all(HOSTS.map(({ name: host }) => must(at(host, route("add")))));
  try {
    return await use();
  } finally {
    await Promise.all(HOSTS.map(({ name: host }) => must(at(host, route("del")))));
  }
}

export function bytesBelow(...key: string[]): number {
  const files = globSync("**/*", { cwd: bucketPath(...key), withFileTypes: true }).filter((one) =>
    one.isFile(),
  );
  return files.reduce((sum, one) => sum + statSync(join(one.parentPath, one.name)).size, 0);
}

/** Requests for Velero's objects that R2 has refused; that something is not there is no refusal. */
export function refused(): string[] {
  const log = join(STATE, "logs/r2.jsonl");
  const lines = (existsSync(log) ? readFileSync(log, "utf8") : "").split("\n").filter(Boolean);
  const all = lines.map((line) => JSON.parse(line) as { method: string; path: string; status: number });
  const velero = all.filter(({ path }) => /^\/[^/?]+(\/velero\/|\/?\?.*velero)/.test(path));
  assert.ok(
    velero.some(({ method, status }) => method === "PUT" && status === 200),
    "Velero has written to R2",
  );
  return velero
    .filter(({ status }) => status >= 400 && status !== 404)
    .map(({ method, path, status }) => `${method} ${path} ${status}`);
}

interface FormatBlob {
  uniqueID: string;
  keyAlgo: string;
  encryptedBlockFormat: string;
}

/**
 * Whether a password opens a namespace's repository, tried as Kopia does (repo/format/format_blob.go, internal/crypto):
 * its format is encrypted with AES-256-GCM, with keys that HKDF makes of what scrypt makes of the password.
 */
export function opens(namespace: string, password: string): boolean {
  const text = readFileSync(bucketPath("velero/kopia", namespace, "kopia.repository"), "utf8");
  const { uniqueID, keyAlgo, encryptedBlockFormat } = JSON.parse(text) as FormatBlob;
  assert.equal(keyAlgo, "scrypt-65536-8-1");
  const [salt, sealed] = [Buffer.from(uniqueID, "base64"), Buffer.from(encryptedBlockFormat, "base64")];
  const master = scryptSync(password, salt, 32, { N: 65_536, r: 8, p: 1, maxmem: 256 * 1024 * 1024 });
  const derived = (purpose: string) => Buffer.from(hkdfSync("sha256", master, salt, purpose, 32));
  const cipher = createDecipheriv("aes-256-gcm", derived("AES"), sealed.subarray(0, 12));
  cipher.setAAD(derived("CHECKSUM")).setAuthTag(sealed.subarray(-16));
  cipher.update(sealed.subarray(12, -16));
  try {
    cipher.final();
    return true;
  } catch {
    return false;
  }
}
