import { expect, test } from "vitest";
import { buffer } from "node:stream/consumers";
import { Readable } from "node:stream";
import { unchunk } from "./cloudflare/chunked.ts";
import { credentialOf, isSignedBy, presigned, sign } from "./sigv4.ts";

/** The example of https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html */
const SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
const REQUEST = {
  method: "GET",
  url: "/test.txt",
  headers: {
    host: "examplebucket.s3.amazonaws.com",
    range: "bytes=0-9",
    "x-amz-content-sha256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "x-amz-date": "20130524T000000Z",
    authorization:
      "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
  },
};

test("takes AWS's own example, and neither another secret nor another request", () => {
  const credential = credentialOf(REQUEST);
  if (credential === undefined) throw new Error("no credential");

  expect(credential).toMatchObject({ id: "AKIAIOSFODNN7EXAMPLE", region: "us-east-1" });
  expect(isSignedBy(REQUEST, credential, SECRET)).toBe(true);
  expect(isSignedBy(REQUEST, credential, "another")).toBe(false);
  expect(isSignedBy({ ...REQUEST, url: "/test.txt?acl" }, credential, SECRET)).toBe(false);
  expect(credentialOf({ ...REQUEST, headers: {} })).toBeUndefined();
});

test("takes AWS's own presigned URL, and tells what is asked for and until when", () => {
  const query =
    "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404";
  const headers = { host: "examplebucket.s3.amazonaws.com" };
  const found = presigned({ method: "GET", url: `/test.txt?${query}`, headers });
  const credential = found && credentialOf(found.signed);
  if (credential === undefined) throw new Error("no credential");

  expect([found?.url, found?.expires]).toEqual(["/test.txt", Date.parse("2013-05-25T00:00:00Z")]);
  expect(isSignedBy(found?.signed ?? REQUEST, credential, SECRET)).toBe(true);
  expect(isSignedBy(found?.signed ?? REQUEST, credential, "another")).toBe(false);
  expect(presigned(REQUEST)).toBeUndefined();
});

test("what is signed here is taken, with any query", () => {
  const request = {
    method: "PUT",
    url: "/b/a%20c?partNumber=2&uploadId=x%2Fy",
    headers: { host: "127.0.0.1:7070" },
  };
  const headers = sign(request, { id: "me", secret: SECRET }, "auto", new Date());
  const credential = credentialOf({ ...request, headers });
  if (credential === undefined) throw new Error("no credential");

  expect(isSignedBy({ ...request, headers }, credential, SECRET)).toBe(true);
});

test.each([1, 7, 1000])(
  "takes the content out of signed chunks, however it arrives (%i bytes at once)",
  async (size) => {
    const signature = `;chunk-signature=${"a".repeat(64)}`;
    const chunked = Buffer.from(
      `5${signature}\r\nhello\r\nb${signature}\r\n, \r\nworld\r\n\r\n0${signature}\r\n\r\n`,
    );
    const parts = Array.from({ length: Math.ceil(chunked.length / size) }, (_, i) =>
      chunked.subarray(i * size, (i + 1) * size),
    );

    expect((await buffer(Readable.from(parts).pipe(unchunk()))).toString()).toBe("hello, \r\nworld\r\n");
  },
);
