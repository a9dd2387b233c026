import { describe, expect, test } from "vitest";
import { COMPLETE, generationsOf, judgeSecondLine } from "./second-line.ts";

const NOW = new Date("2026-11-26T12:00:00Z");
const mark = (name: string, at: string, modified = at) => ({
  key: `${COMPLETE}${name}/${at.replaceAll(/[-:]/g, "").replace(".000", "")}.json`,
  modified,
});
const ago = (hours: number) => new Date(NOW.getTime() - hours * 3_600_000);
const stamp = (at: Date) => at.toISOString().replaceAll(/[-:]|\.\d+/g, "");
const generation = (begun: number, complete: number) =>
  generationsOf([mark(stamp(ago(begun)), ago(complete).toISOString())], 7, NOW);

test("of each generation the newest mark counts, and the newest generation comes first", () => {
  const found = generationsOf(
    [
      mark("20261119T120000Z", "2026-11-19T12:30:00.000Z"),
      mark("20261126T090000Z", "2026-11-26T09:30:00.000Z"),
      mark("20261126T090000Z", "2026-11-26T11:00:00.000Z"),
    ],
    7,
    NOW,
  );

  expect(found).toEqual([
    { name: "20261126T090000Z", at: "2026-11-26T11:00:00.000Z", ageSeconds: 3600, lockedUntil: "2026-12-11T09:00:00.000Z" },
    { name: "20261119T120000Z", at: "2026-11-19T12:30:00.000Z", ageSeconds: 603_000, lockedUntil: "2026-12-04T12:00:00.000Z" },
  ]); // prettier-ignore
});

test("a mark of the future is as old as its object, and no generation is complete before it was begun", () => {
  const found = generationsOf(
    [
      mark("20261119T120000Z", "2999-01-01T00:00:00.000Z", "2026-11-20T00:00:00.000Z"),
      mark("29990101T000000Z", "2999-01-01T00:00:00.000Z", "2026-11-26T11:00:00.000Z"),
      mark("rubbish", "2026-11-26T11:00:00.000Z"),
    ],
    7,
    NOW,
  );

  expect(found.map(({ name, at }) => [name, at])).toEqual([["20261119T120000Z", "2026-11-20T00:00:00.000Z"]]);
});

describe("it is", () => {
  test.each([
    ["ok while it is fresh and locked for long", generation(24, 1), undefined, true, /^2026/],
    ["stale after two looks and a half hour", generation(24, 2.6), undefined, false, /156 min old/],
    [
      "not ok when the lock ends sooner than promised",
      generation(8.1 * 24, 1),
      undefined,
      false,
      /less than 7 days/,
    ],
    ["ok for a whole day in which the next is copied", generation(7.9 * 24, 1), undefined, true, /./],
    ["ok while there is nothing to copy", [], undefined, true, /nothing yet/],
    ["ok while the first is on its way", [], ago(1), true, /nothing yet/],
    ["not ok where it never came", [], ago(3), false, /no complete copy.*journalctl/],
  ] as const)("%s", (_, generations, since, ok, reason) => {
    const judged = judgeSecondLine(generations, 7, NOW, since);

    expect(judged.ok).toBe(ok);
    expect(judged.reason).toMatch(reason);
  });
});
