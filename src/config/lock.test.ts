import { expect, test } from "vitest";
import { LockSchema } from "./lock.ts";

const artifact = (sha256: string) => ({ version: "1", files: { amd64: { url: "https://example.com/x", sha256 } } }); // prettier-ignore
const hash = "0".repeat(64);

/** Whether it is a lock with this hash of a program, and this digest of an image. */
function isLock(sha256: string, digest: string): boolean {
  const whole = artifact(hash);
  const lock = { k3s: artifact(sha256), kubectl: whole, tailscale: whole, images: { "a:1": digest } };
  return LockSchema.safeParse(lock).success;
}

test("a hash is whole, and nothing else", () => {
  expect(isLock(hash, `sha256:${hash}`)).toBe(true);
  for (const wrong of [`${hash}0`, `0${hash}`, hash.slice(1), hash.replace("0", "A"), ""]) {
    expect(isLock(wrong, `sha256:${hash}`)).toBe(false);
    expect(isLock(hash, `sha256:${wrong}`)).toBe(false);
  }
  expect(isLock(hash, `xsha256:${hash}`)).toBe(false);
});
