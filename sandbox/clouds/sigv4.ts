import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";

export interface Signed {
  method: string;
  /** With the query, as it was sent. */
  url: string;
  headers: IncomingHttpHeaders;
  /** What is signed of the body where no header says its hash, as S3's does. */
  body?: string;
}

export interface Key {
  id: string;
  secret: string;
}

export interface Credential {
  id: string;
  date: string;
  region: string;
  service: string;
  signedHeaders: readonly string[];
  signature: string;
}

const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");
const hmac = (key: string | Buffer, text: string) => createHmac("sha256", key).update(text).digest();
const encode = (text: string) =>
  encodeURIComponent(text).replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);

/** Who says to have signed; undefined where nobody does. */
export function credentialOf({ headers }: Signed): Credential | undefined {
  const parts =
    /^AWS4-HMAC-SHA256\s+Credential=([^/]+)\/(\d{8})\/([^/]*)\/([^/]+)\/aws4_request,\s*SignedHeaders=([^,]+),\s*Signature=([0-9a-f]{64})$/.exec(
      headers.authorization ?? "",
    );
  if (parts === null) return undefined;
  const [, id = "", date = "", region = "", service = "", signedHeaders = "", signature = ""] = parts;
  return { id, date, region, service, signedHeaders: signedHeaders.split(";"), signature };
}

/** A request by a presigned URL, whose signature stands in the query, as one that is signed by its headers. */
export interface Presigned {
  /** To be asked who signed it: with the query but its signature. */
  signed: Signed;
  /** What is asked for, without anything of the signature. */
  url: string;
  /** Milliseconds since 1970. */
  expires: number;
}

/** Undefined where it is none. https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html */
export function presigned({ method, url, headers }: Signed): Presigned | undefined {
  const [path = "/", query = ""] = url.split("?");
  const all = query.split("&");
  const of = (name: string) => new URLSearchParams(query).get(`X-Amz-${name}`) ?? "";
  const without = (name: RegExp) => {
    const rest = all.filter((one) => !name.test(one)).join("&");
    return rest === "" ? path : `${path}?${rest}`;
  };
  if (of("Signature") === "") return undefined;
  const authorization = `${of("Algorithm")} Credential=${of("Credential")}, SignedHeaders=${of("SignedHeaders")}, Signature=${of("Signature")}`;
  const own = { ...headers, authorization, "x-amz-date": of("Date") };
  return {
    signed: { method, url: without(/^X-Amz-Signature=/), headers: own },
    url: without(/^X-Amz-/),
    expires: signedAt({ headers: own }) + Number(of("Expires")) * 1000,
  };
}

export function isSignedBy(request: Signed, credential: Credential, secret: string): boolean {
  const expected = computed(request, credential, secret);
  return timingSafeEqual(Buffer.from(expected), Buffer.from(credential.signature));
}

/** The headers an S3 request is to be sent with. */
export function sign(request: Signed, { id, secret }: Key, region: string, now: Date): IncomingHttpHeaders {
  const stamp = now.toISOString().replaceAll(/[-:]|\.\d+/g, "");
  const headers: IncomingHttpHeaders = { ...request.headers, "x-amz-date": stamp };
  delete headers.authorization;
  const signedHeaders = Object.keys(headers)
    .filter((name) => name === "host" || name.startsWith("x-amz-"))
    .sort();
  const credential = { id, date: stamp.slice(0, 8), region, service: "s3", signedHeaders };
  const value = computed({ ...request, headers }, credential, secret);
  const scope = `${credential.date}/${region}/s3/aws4_request`;
  const authorization = `AWS4-HMAC-SHA256 Credential=${id}/${scope}, SignedHeaders=${signedHeaders.join(";")}, Signature=${value}`;
  return { ...headers, authorization };
}

/** https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html */
function computed(
  { method, url, headers, body }: Signed,
  { date, region, service, signedHeaders }: Omit<Credential, "id" | "signature">,
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
  const own = body === undefined ? "UNSIGNED-PAYLOAD" : sha256(body);
  const hash = String(headers["x-amz-content-sha256"] ?? own);
  const canonical = [method, path, parameters.join("&"), lines.join(""), signedHeaders.join(";"), hash].join(
    "\n",
  );
  const scope = `${date}/${region}/${service}/aws4_request`;
  const text = ["AWS4-HMAC-SHA256", String(headers["x-amz-date"] ?? ""), scope, sha256(canonical)].join("\n");
  const key = [region, service, "aws4_request"].reduce<Buffer>(hmac, hmac(`AWS4${secret}`, date));
  return hmac(key, text).toString("hex");
}

/** Milliseconds since 1970 of `x-amz-date`; NaN where it is none. */
export function signedAt({ headers }: Pick<Signed, "headers">): number {
  const text = String(headers["x-amz-date"] ?? "");
  return Date.parse(text.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, "$1-$2-$3T$4:$5:$6Z"));
}
