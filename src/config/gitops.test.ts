import { expect, test } from "vitest";
import { GitopsSchema, placeOf, repositoryFault } from "./gitops.ts";

const place = { user: "git", host: "git.example.com", port: 22, path: "you/c.git" };

test.each([
  ["ssh://git@git.example.com/you/c.git", place],
  ["SSH://git@GIT.example.com/you/c.git", place],
  ["git@git.example.com:you/c.git", place],
  ["git@git.example.com:/you/c.git", place],
  ["ssh://git@git.example.com///you/c.git", place],
  ["ssh://git@git.example.com:1/you/c.git", { ...place, port: 1 }],
  ["ssh://git@git.example.com:65535/you/c.git", { ...place, port: 65_535 }],
  ["ssh://git@git.example.com:65536/you/c.git", undefined],
  ["ssh://git@git.example.com:0/you/c.git", undefined],
  ["ssh://git@git.example.com:222222/you/c.git", undefined],
  ["ssh://git@git.example.com:/you/c.git", undefined],
  ["ssh://git.example.com/you/c.git", undefined],
  ["ssh://git@git.example.com/", undefined],
  ["ssh://git@git.example.com//", undefined],
  ["ssh://git@git.example.com/you/c.git?a", undefined],
  ["ssh://git@git.example.com/you/c git", undefined],
  ["xssh://git@git.example.com/you/c.git", undefined],
  ["git@git.example.com:you/c.git#a", undefined],
  ["git@git.example.com://you/c.git", undefined],
  ["a git@git.example.com:you/c.git", undefined],
  ["git.example.com:you/c.git", undefined],
])("%s", (url, expected) => {
  expect(placeOf(url)).toEqual(expected);
});

test.each([
  ["https://git.example.com/you/c.git", "ssh://git@git.example.com/you/c.git"],
  ["http://me:secret@git.example.com:8443/you/c.git", "ssh://git@git.example.com/you/c.git"],
])("of %s the SSH URL is named, without what was secret in it", (url, meant) => {
  expect(repositoryFault(url)).toBe(
    `must be an SSH URL, because the cluster reads it by a deploy key; did you mean "${meant}"?`,
  );
});

test.each(["https://git.example.com/", "ftp://git.example.com/c", "xhttps://git.example.com/c"])(
  "of %s nothing is guessed",
  (url) => {
    expect(repositoryFault(url)).toMatch(/^must be an SSH URL such as /);
  },
);

/** As SSH writes a key: its type once more within, with its length. */
function hostKey(type: string, inner = type, more = 8): string {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(inner.length);
  return `${type} ${Buffer.concat([length, Buffer.from(inner), Buffer.alloc(more)]).toString("base64")}`;
}
const takes = (key: string) => GitopsSchema.shape.hostKeys.safeParse([key]).success;

test.each(["ssh-ed25519", "ssh-rsa", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521"])(
  "a host key may be of type %s, whole, and nothing else",
  (type) => {
    expect(takes(hostKey(type))).toBe(true);
    expect(takes(hostKey(type, type, 0))).toBe(false);
    expect(takes(hostKey(type, `${type}x`))).toBe(false);
    expect(takes(`${hostKey(type)} me@example.com`)).toBe(false);
    expect(takes(hostKey(`x${type}`))).toBe(false);
    expect(takes(hostKey(`${type}x`))).toBe(false);
    expect(takes(`${hostKey(type)}*`)).toBe(false);
    expect(takes(hostKey(type).replace(" ", " *"))).toBe(false);
    expect(takes(`${type} AAA=`)).toBe(false);
  },
);
