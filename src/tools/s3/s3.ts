import { once } from "node:events";
import http, { type IncomingMessage } from "node:http";
import https from "node:https";
import { text as textOf } from "node:stream/consumers";
import { AwsClient } from "aws4fetch";
import { UserError } from "../../output/errors.ts";

/** One bucket of an S3 server, with a key that opens it. */
export interface Bucket {
  /** `https://ACCOUNT.r2.cloudflarestorage.com` */
  endpoint: string;
  name: string;
  key: { accessKeyId: string; secretAccessKey: string };
  /** R2 has but one: `auto`. */
  region?: string;
}

export interface StoredObject {
  key: string;
  bytes: number;
  /** RFC 3339. */
  modified: string;
}

/** All objects of the bucket, or those whose keys begin so, page by page: https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html */
export async function listObjects(bucket: Bucket, prefix = ""): Promise<StoredObject[]> {
  const objects: StoredObject[] = [];
  const below = prefix === "" ? "" : `&prefix=${encodeURIComponent(prefix)}`;
  for (let token: string | undefined = ""; token !== undefined;) {
    const more = token === "" ? "" : `&continuation-token=${encodeURIComponent(token)}`;
    const text: string = await (await ask(bucket, "GET", `?list-type=2${below}${more}`)).text();
    for (const [, item = ""] of text.matchAll(/<Contents>([^]*?)<\/Contents>/g))
      objects.push({
        key: unescape(inside(item, "Key") ?? ""),
        bytes: Number(inside(item, "Size")),
        modified: inside(item, "LastModified") ?? "",
      });
    token = inside(text, "IsTruncated") === "true" ? inside(text, "NextContinuationToken") : undefined;
  }
  return objects;
}

export async function deleteObject(bucket: Bucket, key: string): Promise<void> {
  await ask(bucket, "DELETE", pathOf(key));
}

export interface ObjectHead extends StoredObject {
  /** Of an object that was written at once, the MD5 of its bytes. */
  etag: string;
  /** What whoever wrote it said of it, by names in small letters. */
  metadata: Readonly<Record<string, string>>;
}

/** What is known of an object without reading it; undefined where there is none. */
export async function headObject(bucket: Bucket, key: string): Promise<ObjectHead | undefined> {
  const response = await ask(bucket, "HEAD", pathOf(key), { orElse: 404 });
  return response.status === 404 ? undefined : headOf(key, response);
}

const OWN_HEADER = "x-amz-meta-";

function headOf(key: string, { headers }: Response): ObjectHead {
  const own = [...headers].filter(([name]) => name.startsWith(OWN_HEADER));
  return {
    key,
    bytes: Number(headers.get("content-length")),
    modified: new Date(headers.get("last-modified") ?? 0).toISOString(),
    etag: headers.get("etag")?.replaceAll('"', "") ?? "",
    metadata: Object.fromEntries(own.map(([name, value]) => [name.slice(OWN_HEADER.length), value])),
  };
}

/** For what an object's bytes take on a slow line. */
const MOVING_MS = 10 * 60_000;

/** An object as a whole; undefined where there is none. */
export async function readObject(bucket: Bucket, key: string): Promise<Uint8Array | undefined> {
  return (await getObject(bucket, key))?.bytes;
}

/** An object as a whole with what is known of it; undefined where there is none. */
export async function getObject(
  bucket: Bucket,
  key: string,
): Promise<{ head: ObjectHead; bytes: Uint8Array } | undefined> {
  const response = await ask(bucket, "GET", pathOf(key), { orElse: 404, timeout: MOVING_MS });
  if (response.status === 404) return undefined;
  return { head: headOf(key, response), bytes: new Uint8Array(await response.arrayBuffer()) };
}

/** `metadata`: as `ObjectHead` has it. */
export async function writeObject(
  bucket: Bucket,
  key: string,
  body: Uint8Array<ArrayBuffer>,
  metadata: ObjectHead["metadata"] = {},
): Promise<void> {
  const headers = Object.entries(metadata).map(([name, value]) => [`${OWN_HEADER}${name}`, value] as const);
  await ask(bucket, "PUT", pathOf(key), { body, headers: Object.fromEntries(headers), timeout: MOVING_MS });
}

/**
 * An object's bytes from one place up to, and without, another. Not by fetch: in Node 24 its parser ends the whole process
 * (`assert(!this.paused)`) where a server closes the connection while the reader is busy.
 */
export async function* readRange(
  bucket: Bucket,
  key: string,
  start: number,
  end: number,
): AsyncGenerator<Uint8Array> {
  if (start >= end) return;
  const path = pathOf(key);
  const signed = await clientOf(bucket).sign(`${bucket.endpoint}/${bucket.name}${path}`, {
    headers: { range: `bytes=${start}-${end - 1}` },
  });
  const get = signed.url.startsWith("https:") ? https.get : http.get;
  const options = { headers: Object.fromEntries(signed.headers), signal: AbortSignal.timeout(1_800_000) };
  const [response] = (await once(get(signed.url, options), "response").catch((error: unknown) => {
    throw unreachable(bucket, error);
  })) as [IncomingMessage];
  if (response.statusCode !== 206 && response.statusCode !== 200)
    throw refusal(bucket, `GET ${path}`, response.statusCode ?? 0, await textOf(response));
  try {
    yield* response as AsyncIterable<Uint8Array>;
  } catch (error) {
    throw unreachable(bucket, error);
  }
}

function pathOf(key: string): string {
  return `/${key.split("/").map(encodeURIComponent).join("/")}`;
}

interface Asked {
  headers?: Record<string, string>;
  /** A status that is no failure. */
  orElse?: number;
  body?: Uint8Array<ArrayBuffer>;
  timeout?: number;
}

async function ask(
  bucket: Bucket,
  method: string,
  path: string,
  { headers = {}, orElse, body, timeout = 60_000 }: Asked = {},
): Promise<Response> {
  const signal = AbortSignal.timeout(timeout);
  const response = await clientOf(bucket)
    .fetch(`${bucket.endpoint}/${bucket.name}${path}`, {
      method,
      headers,
      signal,
      ...(body === undefined ? {} : { body }),
    })
    .catch((error: unknown) => {
      throw unreachable(bucket, error);
    });
  if (response.ok || response.status === orElse) return response;
  throw refusal(bucket, `${method} ${path}`, response.status, await response.text());
}

/** aws4fetch repeats what failed by itself, with growing pauses. */
function clientOf({ key, region = "auto" }: Bucket): AwsClient {
  return new AwsClient({ ...key, service: "s3", region, retries: 4 });
}

function unreachable({ endpoint }: Bucket, error: unknown): UserError {
  return new UserError({
    what: `${endpoint} can't be reached`,
    why: String(error),
    fix: "check the network",
  });
}

function refusal({ name }: Bucket, asked: string, status: number, said: string): UserError {
  return new UserError({
    what: `the bucket ${name} refused ${asked}`,
    why: `it answered ${status}: ${inside(said, "Code") ?? ""} ${inside(said, "Message") ?? said}`,
  });
}

const inside = (xml: string, tag: string) => new RegExp(`<${tag}>([^<]*)</${tag}>`).exec(xml)?.[1];

function unescape(text: string): string {
  const named: Record<string, string> = { lt: "<", gt: ">", quot: '"', apos: "'", amp: "&" };
  return text.replaceAll(/&(lt|gt|quot|apos|amp);/g, (_, name: string) => named[name] ?? "");
}
