import { expect, test } from "vitest";
import { decode, lookAlike } from "./characters.ts";

const codes = (content: string | Uint8Array) =>
  decode(content).faults.map(({ code, range }) => [code, ...range]);

test("a file of 1 MiB is read, and none that is larger", () => {
  const most = " ".repeat(1024 * 1024);

  expect(codes(most)).toEqual([]);
  expect(decode(`${most} `).faults).toMatchObject([
    {
      code: "too-large",
      range: [0, 1],
      message: "the file has 1.0 MiB; more than 1 MiB is not read",
      why: "a cluster.yaml has a few kilobytes, so this is some other file",
      suggestion: "name the right one: `infra-k3s validate FILE`",
    },
  ]);
});

test.each([
  ["UTF-16, little end first", [0xff, 0xfe, 0x61, 0], 0],
  ["UTF-16, big end first", [0xfe, 0xff, 0, 0x61], 0],
  ["Latin-1", [0x61, 0xfc, 0x62], 1],
  ["the first half of a mark", [0xff, 0x61], 0],
  ["the second half of a mark", [0xfe, 0x61], 0],
])("%s is not UTF-8", (name, bytes, at) => {
  const { faults } = decode(Uint8Array.from(bytes));

  expect(faults).toMatchObject([
    {
      code: "not-utf-8",
      range: [at, at + 1],
      message: name.startsWith("UTF-16") ? "the file is UTF-16" : "this is not UTF-8",
    },
  ]);
});

test("the first odd character of each line is told, in comments no space", () => {
  const text =
    "a:\u00a0b\u00a0\n# c\u00a0d\ne #\u00a0f\ng#\u00a0h\n\u200b# i\u200b\nj\u2028k\nl\rm\r\n\u0007\u00a0";

  expect(codes(text)).toEqual([
    ["odd-space", 2, 3],
    ["odd-space", 20, 21],
    ["invisible-character", 23, 24],
    ["invisible-character", 30, 31],
    ["carriage-return", 34, 35],
    ["control-character", 38, 39],
  ]);
  expect(decode("\u0007").faults).toMatchObject([{ message: "a control character, U+0007" }]);
});

test.each([
  ["name", ""],
  ["“name”", 'it has the character `“` (U+201C), not `"`'],
  ["„a", 'it has the character `„` (U+201E), not `"`'],
  ["a”", 'it has the character `”` (U+201D), not `"`'],
  ["‘a", "it has the character `‘` (U+2018), not `'`"],
  ["a’", "it has the character `’` (U+2019), not `'`"],
  ["a–b", "it has the character `–` (U+2013), not `-`"],
  ["a—b", "it has the character `—` (U+2014), not `-`"],
  ["a‐b", "it has the character `‐` (U+2010), not `-`"],
  ["a−b", "it has the character `−` (U+2212), not `-`"],
  ["ｎame", "it has the character `ｎ` (U+FF4E), not `n`"],
  ["nаme", "it has the character `а` (U+0430), which may look like an ordinary letter, and is none"],
  ["ﬁn", "it has the character `ﬁ` (U+FB01), which may look like an ordinary letter, and is none"],
])("of %s is told: %s", (text, told) => {
  expect(lookAlike(text)).toBe(told);
});
