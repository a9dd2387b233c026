import { AwsClient } from "aws4fetch";
import { afterAll, beforeEach, describe, expect, test, vi } from "vitest";
import { BUCKET, type Gate, lockOf, startGate } from "./r2-gate.fake.ts";

/** What R2's documentation says: https://developers.cloudflare.com/r2/buckets/bucket-locks/ and …/r2/api/s3/api/ */
const gate: Gate = await startGate([lockOf("etcd/", 7), lockOf("second/", 15)]);
const at = (key: string) => `/${BUCKET}/${key}`;
const LOCKED = /^403 .*ObjectLockedByBucketPolicy/;

beforeEach(() => {
  vi.useRealTimers();
  gate.s3.objects.clear();
  gate.s3.put(`${BUCKET}/velero/one`, "content");
  gate.s3.put(`${BUCKET}/second/one`, "kept");
  gate.s3.put("other/secret", "of another bucket");
});
afterAll(() => gate.close());

describe("a copy within the bucket", () => {
  const source = { "x-amz-copy-source": `/${BUCKET}/velero/one` };

  test("is made by the server", async () => {
    expect(await gate.ask("PUT", at("second/two"), { headers: source })).toMatch(/^200 .*CopyObjectResult/);
    expect(await gate.ask("GET", at("second/two"))).toBe("200 content");
  });

  test("goes over nothing that is locked", async () => {
    expect(await gate.ask("PUT", at("second/one"), { headers: source })).toMatch(LOCKED);
    expect(await gate.ask("GET", at("second/one"))).toBe("200 kept");
  });

  test("of what is not there is a 404", async () => {
    const headers = { "x-amz-copy-source": `/${BUCKET}/velero/none` };

    expect(await gate.ask("PUT", at("second/two"), { headers })).toMatch(/^404 .*NoSuchKey/);
  });

  test.each(["/other/secret", "other/secret", "%2Fother%2Fsecret"])(
    "from %s is refused: that bucket is another's",
    async (from) => {
      const headers = { "x-amz-copy-source": from };

      expect(await gate.ask("PUT", at("stolen"), { headers })).toMatch(/^403 .*AccessDenied/);
      expect(await gate.ask("PUT", at("stolen?partNumber=1&uploadId=x"), { headers })).toMatch(
        /^403 .*AccessDenied/,
      );
    },
  );
});

describe("a presigned URL", () => {
  const client = new AwsClient({
    accessKeyId: gate.key.id,
    secretAccessKey: gate.key.secret,
    service: "s3",
    region: "auto",
  });
  const urlOf = async (key: string, datetime?: string) => {
    const aws = { signQuery: true, ...(datetime === undefined ? {} : { datetime }) };
    const { url } = await client.sign(`https://${gate.endpoint}${at(key)}?X-Amz-Expires=600`, { aws });
    return url.slice(`https://${gate.endpoint}`.length);
  };

  test("opens that object, and no other", async () => {
    const url = await urlOf("velero/one");

    expect(await gate.ask("GET", url)).toBe("200 content");
    expect(await gate.ask("GET", url.replace("velero/one", "second/one"))).toMatch(
      /^403 .*SignatureDoesNotMatch/,
    );
    expect(await gate.ask("DELETE", url)).toMatch(/^403 .*SignatureDoesNotMatch/);
  });

  test("has an end", async () => {
    expect(await gate.ask("GET", await urlOf("velero/one", "20200101T000000Z"))).toMatch(/^403 .*Expired/);
  });
});

describe("what is locked", () => {
  test.each([
    ["is not deleted", "DELETE", "second/one", ""],
    ["is not overwritten", "PUT", "second/one", "x"],
    [
      "is not overwritten by an upload in parts",
      "POST",
      "second/one?uploadId=x",
      "<CompleteMultipartUpload/>",
    ],
    [
      "is not deleted with others",
      "POST",
      "?delete",
      "<Delete><Object><Key>velero/one</Key></Object><Object><Key>second/one</Key></Object></Delete>",
    ],
  ])("%s", async (_, method, url, body) => {
    const path = url.startsWith("?") ? `/${BUCKET}${url}` : at(url);

    expect(await gate.ask(method, path, { body })).toMatch(LOCKED);
    expect(await gate.ask("GET", at("second/one"))).toBe("200 kept");
  });

  test("goes when its time has passed, and not before", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    vi.setSystemTime(Date.now() + (15 * 86_400 - 60) * 1000);
    const before = await gate.ask("DELETE", at("second/one"));
    vi.setSystemTime(Date.now() + 120_000);

    expect(before).toMatch(LOCKED);
    expect(await gate.ask("DELETE", at("second/one"))).toMatch(/^204/);
  });

  test("hinders nobody from writing beside it", async () => {
    expect(await gate.ask("PUT", at("second/new"), { body: "x" })).toMatch(/^200/);
  });
});

test.each(["lifecycle", "cors", "encryption"])(
  "a key for objects does not change the bucket's %s",
  async (setting) => {
    for (const method of ["PUT", "DELETE"])
      expect(await gate.ask(method, `/${BUCKET}?${setting}`, { body: "<x/>" })).toMatch(
        /^403 .*AccessDenied/,
      );
  },
);

test("a key for one bucket neither reads nor lists another", async () => {
  for (const url of ["/other/secret", "/other?list-type=2", "/"])
    expect(await gate.ask("GET", url)).toMatch(/^403 .*AccessDenied/);
});
