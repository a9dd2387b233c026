import { expect, test } from "vitest";
import { dialogue, run } from "./process.ts";

test("lines come as they are printed, and a program that said enough is ended", async () => {
  const lines: string[] = [];
  const onLine = (line: string) => (lines.push(line) === 2 ? "enough" : undefined);
  const argv = ["sh", "-c", "i=0; while :; do i=$((i+1)); echo $i; sleep 0.05; done"] as const;
  const { killed } = await run({ argv, onLine });
  expect([lines.slice(0, 2), killed]).toEqual([["1", "2"], true]);
});

test("a program that fails has its lines and its code", async () => {
  const lines: string[] = [];
  const argv = ["sh", "-c", "echo one; echo two >&2; exit 3"] as const;
  const result = await run({ argv, onLine: (line) => void lines.push(line) });
  expect([lines, result.exitCode, result.stderr]).toEqual([["one"], 3, "two"]);
});

test("lines that nobody keeps may be longer than what is kept", async () => {
  let bytes = 0;
  const argv = ["sh", "-c", "head -c 70000000 /dev/zero | tr '\\0' x | fold -w 1000000; exit 4"] as const;
  const result = await run({ argv, linesOnly: true, onLine: (line) => void (bytes += line.length) });
  expect([bytes, result.exitCode, result.stdout]).toEqual([70_000_000, 4, ""]);
});

test("a dialogue says what it does, hears when it is over, and says the last word", async () => {
  const talk = dialogue(
    { argv: ["sh", "-c", 'read name; echo "open $name"; cat >/dev/null; echo closed'] },
    "x\n",
  );
  expect([await talk.line(), talk.ended()]).toEqual(["open x", false]);
  talk.hangUp();
  expect([await talk.line(), await talk.line()]).toEqual(["closed", undefined]);
  await talk.stop();
  expect(talk.ended()).toBe(true);
});

test("a dialogue that fails at once is over, with its words", async () => {
  const talk = dialogue({ argv: ["sh", "-c", "echo no >&2; exit 255"] }, "x\n");
  expect(await talk.line()).toBeUndefined();
  await talk.stop();
  expect([talk.ended(), talk.stderr()]).toEqual([true, "no"]);
});
