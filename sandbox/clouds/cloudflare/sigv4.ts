import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";

export interface Signed {
  method: string;
  /** With the query, as it was sent. */
  url: string;
  headers: IncomingHttpHeaders;
}

export interface Key {
  id: string;
  secret: string;
}

export interface Credential {
  id: string;
  date: string;
  region: string;
  signedHeaders: readonly string[];
  signature: string;
}

const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");
const hmac = (key: string | Buffer, text: string) => createHmac("sha256", key).update(text).digest();
const encode = (text: string) =>
  encodeURIComponent(text).replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);

/** Who says to have signed; undefined where nobody does. */
export function credentialOf({ headers }: Signed): Credential | undefined {
  const [, id, date, region, signedHeaders, signature] =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]*)\/s3\/aws4_request,\s*SignedHeaders=([^,]+),\s*Signature=([0-9a-f]{64})$/.exec(
      headers.authorization ?? "",
    ) ?? [];
  if (id === undefined || date === undefined || region === undefined || signature === undefined)
    return undefined;
  return { id, date, region, signedHeaders: (signedHeaders ?? "").split(";"), signature };
}

export function isSignedBy(request: Signed, credential: Credential, secret: string): boolean {
  const expected = computed(request, credential, secret);
  return timingSafeEqual(Buffer.from(expected), Buffer.from(credential.signature));
}

/** The headers a request is to be sent with. */
export function sign(request: Signed, { id, secret }: Key, region: string, now: Date): IncomingHttpHeaders {
  const stamp = now.toISOString().replaceAll(/[-:]|\.\d+/g, "");
  const headers: IncomingHttpHeaders = { ...request.headers, "x-amz-date": stamp };
  delete headers.authorization;
  const signedHeaders = Object.keys(headers)
    .filter((name) => name === "host" || name.startsWith("x-amz-"))
    .sort();
  const credential = { id, date: stamp.slice(0, 8), region, signedHeaders };
  const value = computed({ ...request, headers }, credential, secret);
  const scope = `${credential.date}/${region}/s3/aws4_request`;
  const authorization = `AWS4-HMAC-SHA256 Credential=${id}/${scope}, SignedHeaders=${signedHeaders.join(";")}, Signature=${value}`;
  return { ...headers, authorization };
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html */
function computed(
  { method, url, headers }: Signed,
  { date, region, signedHeaders }: Pick<Credential, "date" | "region" | "signedHeaders">,
  secret: string,
): string {
  const [path = "/", query = ""] = url.split("?");
  const parameters = [...new URLSearchParams(query.replaceAll("+", "%2B"))]
    .map(([name, value]) => `${encode(name)}=${encode(value)}`)
    .sort();
  const lines = signedHeaders.map(
    (name) =>
      `${name}:${String(headers[name] ?? "")
        .trim()
        .replaceAll(/\s+/g, " ")}\n`,
  );
  const hash = String(headers["x-amz-content-sha256"] ?? "UNSIGNED-PAYLOAD");
  const canonical = [method, path, parameters.join("&"), lines.join(""), signedHeaders.join(";"), hash].join(
    "\n",
  );
  const scope = `${date}/${region}/s3/aws4_request`;
  const text = ["AWS4-HMAC-SHA256", String(headers["x-amz-date"] ?? ""), scope, sha256(canonical)].join("\n");
  const key = [region, "s3", "aws4_request"].reduce<Buffer>(hmac, hmac(`AWS4${secret}`, date));
  return hmac(key, text).toString("hex");
}
