import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import type { Request } from "../../services/api.ts";

const hash = (text: string) => createHash("sha256").update(text).digest("hex");
const hmac = (key: string | Buffer, text: string) => createHmac("sha256", key).update(text).digest();

export interface Signed {
  accessKeyId: string;
  date: string;
  region: string;
  service: string;
  headers: string[];
  signature: string;
}

/** The parts of `AWS4-HMAC-SHA256 Credential=…, SignedHeaders=…, Signature=…`; undefined where it is none. */
export function parseAuthorization(authorization: string): Signed | undefined {
  const parts =
    /^AWS4-HMAC-SHA256\s+Credential=([^/]+)\/(\d{8})\/([^/]+)\/([^/]+)\/aws4_request,\s*SignedHeaders=([^,]+),\s*Signature=([0-9a-f]{64})$/.exec(authorization); // prettier-ignore
  if (parts === null) return undefined;
  const [, accessKeyId = "", date = "", region = "", service = "", headers = "", signature = ""] = parts;
  return { accessKeyId, date, region, service, headers: headers.split(";"), signature };
}

/** https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html */
export function isSignedBy(request: Request, signed: Signed, secret: string): boolean {
  const header = (name: string) => {
    const value = request.headers[name];
    return (Array.isArray(value) ? value.join(",") : (value ?? "")).trim().replaceAll(/\s+/g, " ");
  };
  const [path = "/", query = ""] = request.path.split("?");
  const canonical = [
    request.method,
    path,
    query.split("&").filter(Boolean).toSorted().join("&"),
    ...signed.headers.map((name) => `${name}:${header(name)}`),
    "",
    signed.headers.join(";"),
    hash(request.body),
  ].join("\n");
  const scope = `${signed.date}/${signed.region}/${signed.service}/aws4_request`;
  const toSign = ["AWS4-HMAC-SHA256", header("x-amz-date"), scope, hash(canonical)].join("\n");
  const key = [signed.date, signed.region, signed.service, "aws4_request"].reduce<string | Buffer>(
    hmac,
    `AWS4${secret}`,
  );
  return timingSafeEqual(hmac(key, toSign), Buffer.from(signed.signature, "hex"));
}

/** Milliseconds since 1970 of `x-amz-date`; NaN where it is none. */
export function signedAt(request: Request): number {
  const text = String(request.headers["x-amz-date"] ?? "");
  return Date.parse(text.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, "$1-$2-$3T$4:$5:$6Z"));
}
