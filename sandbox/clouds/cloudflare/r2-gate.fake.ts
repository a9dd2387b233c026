import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { request as httpsRequest } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { type Key, sign } from "../sigv4.ts";
import { ensureAccount } from "./account.ts";
import { cloudflareStore } from "./api.ts";
import { bucketResource, PERMISSION_GROUPS } from "./permissions.ts";
import { serveR2 } from "./r2-gate.ts";
import { FakeS3 } from "./s3.fake.ts";
import type { LockRule } from "./state.ts";

export const BUCKET = "demo-backups";
const DAY = 24 * 60 * 60;

export const lockOf = (prefix: string, days: number): LockRule => ({
  id: prefix,
  enabled: true,
  prefix,
  condition: { type: "Age", maxAgeSeconds: days * DAY },
});

export interface Gate {
  s3: FakeS3;
  /** `HOST:PORT`. */
  endpoint: string;
  /** The file with whom to trust. */
  ca: string;
  folder: string;
  /** Of a token that reaches the objects of BUCKET alone. */
  key: Key;
  /** The answer's status and what it says. */
  ask(
    method: string,
    url: string,
    more?: { headers?: Record<string, string>; body?: string },
  ): Promise<string>;
  close(): void;
}

/** The sandbox's R2 before an S3 server in memory, with one locked bucket and another beside it. */
export async function startGate(lock: LockRule[]): Promise<Gate> {
  const folder = mkdtempSync(join(tmpdir(), "infra-k3s-gate-"));
  const [keyFile, ca] = [join(folder, "key"), join(folder, "cert")];
  const name = ["-subj", "/CN=gate", "-addext", "subjectAltName=IP:127.0.0.1"];
  const kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "3650"];
  execFileSync("openssl", ["req", "-x509", ...kind, ...name, "-keyout", keyFile, "-out", ca], {
    stdio: "ignore",
  });
  ensureAccount(folder, { zone: "example.com" });
  const store = cloudflareStore(join(folder, "clouds"));
  const key = store.change((account) => {
    const about = { creation_date: "", location: "EEUR", storage_class: "Standard", lifecycle: [] };
    account.buckets.push({ name: BUCKET, ...about, lock }, { name: "other", ...about, lock: [] });
    const group = PERMISSION_GROUPS.find((one) => one.name === "Workers R2 Storage Bucket Item Write");
    const now = new Date().toISOString();
    const policy = {
      id: "p",
      effect: "allow" as const,
      permission_groups: [{ id: group?.id ?? "" }],
      resources: { [bucketResource(account, BUCKET)]: "*" },
    };
    account.tokens.push({ id: "token-id", name: "r2", value: "value", status: "active", expires_on: null, policies: [policy], issued_on: now, modified_on: now }); // prettier-ignore
    return { id: "token-id", secret: createHash("sha256").update("value").digest("hex") };
  });
  const s3 = new FakeS3();
  const upstream = { port: await s3.listen(), key: { id: "x", secret: "y" } };
  const server = await serveR2({
    address: "127.0.0.1",
    port: 0,
    key: readFileSync(keyFile),
    cert: readFileSync(ca),
    account: store,
    upstream,
    requestLog: join(folder, "log"),
  });
  const { port } = server.address() as AddressInfo;
  const endpoint = `127.0.0.1:${port}`;
  return {
    s3,
    endpoint,
    ca,
    folder,
    key,
    ask: (method, url, { headers = {}, body = "" } = {}) => {
      const plain = { ...headers, host: endpoint, "x-amz-content-sha256": "UNSIGNED-PAYLOAD" };
      const signed = sign({ method, url, headers: plain }, key, "auto", new Date());
      const options = { host: "127.0.0.1", port, path: url, method, ca: readFileSync(ca), agent: false };
      return new Promise((resolve, reject) => {
        httpsRequest({ ...options, headers: { ...signed, "content-length": String(Buffer.byteLength(body)) } }, (response) => {
          void text(response).then((said) => resolve(`${response.statusCode} ${said}`), reject);
        }).once("error", reject).end(body);
      }); // prettier-ignore
    },
    close: () => {
      server.close();
      server.closeAllConnections();
      s3.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
