import { createHash } from "node:crypto";
import { appendFileSync } from "node:fs";
import {
  type IncomingHttpHeaders,
  type IncomingMessage,
  request as httpRequest,
  type ServerResponse,
} from "node:http";
import { createServer, type Server } from "node:https";
import { buffer, text } from "node:stream/consumers";
import type { Store } from "../store.ts";
import { unchunk } from "./chunked.ts";
import { bucketResource, accountResource, isValid, may } from "./permissions.ts";
import { credentialOf, isSignedBy, type Key, presigned, sign, type Signed } from "../sigv4.ts";
import type { Account, Bucket, Token } from "./state.ts";

export interface Upstream {
  /** The S3 server's port on loopback. */
  port: number;
  key: Key;
}

export interface GateOptions {
  address: string;
  /** 443, but for tests. */
  port?: number;
  key: Buffer;
  cert: Buffer;
  account: Store<Account>;
  upstream: Upstream;
  requestLog: string;
}

/** A refusal in S3's words. */
class S3Error extends Error {
  readonly status: number;
  readonly code: string;
  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

const REGIONS = new Set(["auto", "us-east-1", "", "wnam", "enam", "weur", "eeur", "apac", "oc"]);
/** https://developers.cloudflare.com/r2/api/s3/api/: what R2 does not implement. */
const UNIMPLEMENTED = ["acl", "policy", "versioning", "object-lock", "tagging", "website", "logging", "retention", "legal-hold"]; // prettier-ignore
/** What is set of a bucket as a whole; a key for objects may not: https://developers.cloudflare.com/r2/api/tokens/#permission-groups */
const SETTINGS = ["lifecycle", "cors", "encryption"];
const READS = new Set(["GET", "HEAD"]);

/** R2 before a real S3 server: its keys, its buckets' locks, and its refusals. */
export async function serveR2(options: GateOptions): Promise<Server> {
  const server = createServer({ key: options.key, cert: options.cert }, (request, response) => {
    const began = Date.now();
    response.once("close", () => {
      const { method, url, headers } = request;
      const line = {
        at: new Date(began),
        host: headers.host,
        method,
        path: url,
        status: response.statusCode,
      };
      appendFileSync(options.requestLog, `${JSON.stringify(line)}\n`);
    });
    pass(options, request, response).catch((error: unknown) => refuse(response, error));
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject).listen(options.port ?? 443, options.address, resolve);
  });
  return server;
}

async function pass(options: GateOptions, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const account = options.account.read();
  const token = authenticate(account, asSigned(request));
  const { method = "GET", url = "/", headers } = request;
  const [path = "/", query = ""] = url.split("?");
  const parameters = new URLSearchParams(query);
  const [, bucketName = "", ...rest] = path.split("/");
  const key = decodeURIComponent(rest.join("/"));
  const payload = String(headers["x-amz-content-sha256"] ?? "");
  if (payload === "")
    throw new S3Error(
      400,
      "InvalidRequest",
      "Missing required header for this request: x-amz-content-sha256",
    );
  if (payload.endsWith("-TRAILER") || headers["x-amz-trailer"] !== undefined)
    throw new S3Error(501, "NotImplemented", `${payload} not implemented`);
  const unimplemented = UNIMPLEMENTED.find((name) => parameters.has(name));
  if (unimplemented !== undefined)
    throw new S3Error(501, "NotImplemented", `${unimplemented} not implemented`);
  const setting = key === "" && !READS.has(method) && SETTINGS.some((name) => parameters.has(name));
  authorize(account, token, method, setting ? "" : bucketName);
  const source = headers["x-amz-copy-source"];
  // https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html: the source's bucket has to be readable, too.
  if (source !== undefined) authorize(account, token, "GET", bucketOfSource(String(source)));
  const bucket = account.buckets.find(({ name }) => name === bucketName);
  if (bucketName !== "" && bucket === undefined)
    throw new S3Error(404, "NoSuchBucket", "The specified bucket does not exist.");
  if (key === "" && (setting || ((method === "PUT" || method === "DELETE") && query === "")))
    throw new S3Error(501, "NotImplemented", "buckets are made and set by Cloudflare's API in the sandbox");

  let content: Buffer | undefined;
  if (bucket !== undefined && !READS.has(method)) {
    content = parameters.has("delete") ? await buffer(request) : undefined;
    const completes = method === "POST" && parameters.has("uploadId");
    const replaces = (method === "PUT" && !parameters.has("partNumber")) || method === "DELETE" || completes;
    const keys = content === undefined ? (replaces && !(method === "DELETE" && parameters.has("uploadId")) ? [key] : []) : keysIn(content); // prettier-ignore
    for (const one of keys) await refuseLocked(options.upstream, bucket, one);
  }
  await forward(options.upstream, request, response, content);
}

/** What was signed. Of a presigned URL the request goes on without what its query says of that. */
function asSigned(request: IncomingMessage): Signed {
  const { method = "GET", url = "/", headers } = request;
  const found = presigned({ method, url, headers });
  if (found === undefined) return { method, url, headers };
  // https://developers.cloudflare.com/r2/api/s3/presigned-urls/
  if (!(found.expires > Date.now())) throw new S3Error(403, "ExpiredRequest", "Request has expired");
  request.url = found.url;
  headers["x-amz-content-sha256"] = "UNSIGNED-PAYLOAD";
  return found.signed;
}

function authenticate(account: Account, request: Signed): Token {
  const credential = credentialOf(request);
  if (credential === undefined) throw new S3Error(400, "InvalidArgument", "Authorization");
  if (!REGIONS.has(credential.region))
    throw new S3Error(400, "InvalidRegionName", `The region name '${credential.region}' is not valid. Must be one of: wnam, enam, weur, eeur, apac, oc, auto`); // prettier-ignore
  const token = account.tokens.find(({ id }) => id === credential.id);
  if (token === undefined || !isValid(token, Date.now()))
    throw new S3Error(401, "Unauthorized", "Unauthorized");
  // https://developers.cloudflare.com/r2/api/tokens/#get-s3-api-credentials-from-an-api-token
  const secret = token.s3Secret ?? createHash("sha256").update(token.value).digest("hex");
  if (!isSignedBy(request, credential, secret))
    throw new S3Error(403, "SignatureDoesNotMatch", "The request signature we calculated does not match the signature you provided. Check your secret access key and signing method."); // prettier-ignore
  return token;
}

function authorize(account: Account, token: Token, method: string, bucket: string): void {
  const access = READS.has(method) ? "Read" : "Write";
  const allowed =
    may(account, token, `Workers R2 Storage ${access}`, accountResource(account)) ||
    (bucket !== "" &&
      may(account, token, `Workers R2 Storage Bucket Item ${access}`, bucketResource(account, bucket)));
  if (!allowed) throw new S3Error(403, "AccessDenied", "Access Denied");
}

/** Of `/BUCKET/KEY`, with or without the first slash. */
function bucketOfSource(source: string): string {
  return decodeURIComponent(source).replace(/^\//, "").split("/")[0] ?? "";
}

function keysIn(content: Buffer): string[] {
  return [...content.toString("utf8").matchAll(/<Key>([^<]*)<\/Key>/g)].map(([, key = ""]) =>
    key.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&quot;", '"').replaceAll("&amp;", "&"),
  );
}

/** https://developers.cloudflare.com/r2/buckets/bucket-locks/ */
async function refuseLocked(upstream: Upstream, { name, lock }: Bucket, key: string): Promise<void> {
  const rules = lock.filter(({ enabled, prefix = "" }) => enabled && key.startsWith(prefix));
  if (rules.length === 0) return;
  const path = `/${name}/${key.split("/").map(encodeURIComponent).join("/")}`;
  const head = await ask(upstream, { method: "HEAD", url: path, headers: {} });
  head.resume();
  if (head.statusCode !== 200) return;
  const age = Date.now() - Date.parse(head.headers["last-modified"] ?? "");
  const locked = rules.some(({ condition }) => {
    if (condition.type === "Age") return age < condition.maxAgeSeconds * 1000;
    return condition.type === "Indefinite" || Date.now() < Date.parse(condition.date);
  });
  if (locked)
    throw new S3Error(403, "ObjectLockedByBucketPolicy", "The object is locked by the bucket policy.");
}

async function forward(
  upstream: Upstream,
  request: IncomingMessage,
  response: ServerResponse,
  content: Buffer | undefined,
): Promise<void> {
  const { method = "GET", url = "/" } = request;
  const { "content-encoding": encoding, ...headers } = request.headers;
  const chunked = String(headers["x-amz-content-sha256"] ?? "").startsWith("STREAMING-");
  const decoded = headers["x-amz-decoded-content-length"];
  if (chunked && decoded !== undefined) headers["content-length"] = String(decoded);
  delete headers["x-amz-decoded-content-length"];
  const kept = (encoding ?? "").replace(/aws-chunked,?\s*/, "");
  const answer = await ask(
    upstream,
    { method, url, headers: { ...headers, ...(kept === "" ? {} : { "content-encoding": kept }) } },
    content ?? (chunked ? request.pipe(unchunk()) : request),
  );
  response.writeHead(answer.statusCode ?? 502, answer.headers);
  answer.pipe(response);
}

function ask(
  { port, key }: Upstream,
  { method, url, headers }: { method: string; url: string; headers: IncomingHttpHeaders },
  body?: NodeJS.ReadableStream | Buffer,
): Promise<IncomingMessage> {
  const plain = { ...headers, host: `127.0.0.1:${port}`, "x-amz-content-sha256": "UNSIGNED-PAYLOAD" };
  const signed = sign({ method, url, headers: plain }, key, "us-east-1", new Date());
  return new Promise((resolve, reject) => {
    const out = httpRequest({ host: "127.0.0.1", port, method, path: url, headers: signed }, resolve);
    out.once("error", reject);
    if (body === undefined || Buffer.isBuffer(body)) out.end(body);
    else body.pipe(out);
  });
}

/** Makes and removes buckets at the S3 server; R2's API does the asking. */
export function bucketsOf(upstream: Upstream): {
  createBucket: (name: string) => Promise<void>;
  deleteBucket: (name: string) => Promise<boolean>;
} {
  const send = async (method: string, name: string): Promise<number> => {
    const answer = await ask(upstream, { method, url: `/${name}`, headers: {} });
    const said = await text(answer);
    const status = answer.statusCode ?? 0;
    if (status >= 300 && status !== 409) throw new Error(`${method} ${name}: ${status} ${said}`);
    return status;
  };
  return {
    createBucket: async (name) => void (await send("PUT", name)),
    deleteBucket: async (name) => (await send("DELETE", name)) < 300,
  };
}

function refuse(response: ServerResponse, error: unknown): void {
  const known = error instanceof S3Error ? error : new S3Error(500, "InternalError", String(error));
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const body = `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${known.code}</Code><Message>${known.message}</Message></Error>`;
  response.writeHead(known.status, { "content-type": "application/xml", connection: "close" }).end(body);
}
