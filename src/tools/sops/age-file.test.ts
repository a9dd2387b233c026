import { beforeAll, describe, expect, test } from "vitest";
import { encryptTo, openAgeFile } from "./age-file.ts";
import { type AgeKey, newAgeKey } from "./age.ts";

/** More than one chunk of age's 64 KiB, so that a cut can fall between two. */
const PLAIN = "hunter2 ".repeat(9000);

const flip = (text: string, at: number) =>
  text.slice(0, at) + (text[at] === "A" ? "B" : "A") + text.slice(at + 1);

describe("a file that age encrypted whole", () => {
  let key: AgeKey;
  let file = "";
  beforeAll(async () => {
    key = await newAgeKey();
    file = await encryptTo([key.recipient], PLAIN);
  });

  const open = (text: string, keys: readonly AgeKey[] = [key]) => openAgeFile("kit.age", text, keys);

  test("opens with its key, also as another system's editor saved it", async () => {
    expect(await open(file)).toBe(PLAIN);
    expect(await open(`\r\n${file.replaceAll("\n", "\r\n")}\r\n`)).toBe(PLAIN);
    expect(await open(file, [await newAgeKey(), key])).toBe(PLAIN);
    expect(file).not.toContain("hunter2");
  });

  test("has one recipient", () => {
    const head = Buffer.from(file.split("\n").slice(1, 6).join(""), "base64").toString("latin1");

    expect(head.match(/^-> /gm)).toHaveLength(1);
    expect(head).toMatch(/^age-encryption\.org\/v1\n-> X25519 /);
  });

  test("with another key the public half of the key that was given is told", async () => {
    const other = await newAgeKey();

    await expect(open(file, [other])).rejects.toThrow(`private half of ${other.recipient}`);
    await expect(open(file, [other])).rejects.not.toThrow(other.identity);
  });

  test.each([
    ["", /is empty/],
    [" \n", /is empty/],
    ["name: prod\n", /is no file that age encrypted/],
  ])("%j is told apart", async (text, message) => {
    await expect(open(text)).rejects.toThrow(message);
  });

  test("cut anywhere, it is truncated", async () => {
    const { length } = file.trimEnd();
    const places = [1, 20, 40, 200, 65_000, Math.floor(length / 2), length - 40, length - 33, length - 1];

    for (const place of places)
      await expect(open(file.slice(0, place))).rejects.toThrow(/kit\.age is truncated/);
  });

  test("with whole lines missing inside, it is damaged", async () => {
    const lines = file.split("\n");
    const without = (from: number, count: number) => [...lines.slice(0, from), ...lines.slice(from + count)].join("\n");

    for (const [from, count] of [[6, 1], [100, 2], [1000, 1], [lines.length - 4, 2]] as const) {
      await expect(open(without(from, count))).rejects.toThrow(/kit\.age is damaged/);
    }
  }); // prettier-ignore

  test("with any character changed it never opens; in its body it is damaged", async () => {
    const small = await encryptTo([key.recipient], "hunter2");

    // Where the file says for whom it is, a changed file and another key look the same.
    for (const at of Array.from({ length: small.length - 1 }, (_, index) => index)) {
      if (small[at] === "\n") continue;
      await expect(open(flip(small, at)), `at ${at}`).rejects.toThrow(
        /is damaged|does not open with this key|no file that age encrypted/,
      );
    }
    for (const at of [500, 33_333, 90_000, file.length - 60, file.length - 10]) {
      await expect(open(flip(file, at)), `at ${at}`).rejects.toThrow(/kit\.age is damaged/);
    }
  });
});
