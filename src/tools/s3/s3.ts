import { AwsClient } from "aws4fetch";
import { UserError } from "../../output/errors.ts";

/** One bucket of an S3 server, with a key that opens it. */
export interface Bucket {
  /** `https://ACCOUNT.r2.cloudflarestorage.com` */
  endpoint: string;
  name: string;
  key: { accessKeyId: string; secretAccessKey: string };
}

export interface StoredObject {
  key: string;
  bytes: number;
}

/** All objects of the bucket, page by page: https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html */
export async function listObjects(bucket: Bucket): Promise<StoredObject[]> {
  const objects: StoredObject[] = [];
  for (let token: string | undefined = ""; token !== undefined;) {
    const more = token === "" ? "" : `&continuation-token=${encodeURIComponent(token)}`;
    const text: string = await (await ask(bucket, "GET", `?list-type=2${more}`)).text();
    for (const [, item = ""] of text.matchAll(/<Contents>([^]*?)<\/Contents>/g))
      objects.push({ key: unescape(inside(item, "Key") ?? ""), bytes: Number(inside(item, "Size")) });
    token = inside(text, "IsTruncated") === "true" ? inside(text, "NextContinuationToken") : undefined;
  }
  return objects;
}

export async function deleteObject(bucket: Bucket, key: string): Promise<void> {
  await ask(bucket, "DELETE", `/${key.split("/").map(encodeURIComponent).join("/")}`);
}

async function ask({ endpoint, name, key }: Bucket, method: string, path: string): Promise<Response> {
  // aws4fetch repeats what failed by itself, with growing pauses.
  const client = new AwsClient({ ...key, service: "s3", region: "auto", retries: 4 });
  const signal = AbortSignal.timeout(60_000);
  const response = await client
    .fetch(`${endpoint}/${name}${path}`, { method, signal })
    .catch((error: unknown) => {
      throw new UserError({
        what: `${endpoint} can't be reached`,
        why: String(error),
        fix: "check the network",
      });
    });
  if (response.ok) return response;
  const text = await response.text();
  throw new UserError({
    what: `the bucket ${name} refused ${method} ${path}`,
    why: `it answered ${response.status}: ${inside(text, "Code") ?? ""} ${inside(text, "Message") ?? text}`,
  });
}

const inside = (xml: string, tag: string) => new RegExp(`<${tag}>([^<]*)</${tag}>`).exec(xml)?.[1];

function unescape(text: string): string {
  const named: Record<string, string> = { lt: "<", gt: ">", quot: '"', apos: "'", amp: "&" };
  return text.replaceAll(/&(lt|gt|quot|apos|amp);/g, (_, name: string) => named[name] ?? "");
}
