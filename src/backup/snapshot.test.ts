import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { judge, staleAfter } from "./freshness.ts";
import { isName, newestFirst, takenAt, tokenId } from "./snapshot.ts";

test("a snapshot is as old as its name says, one of another name as its object", () => {
  const modified = "2026-11-26T12:00:00.000Z";

  expect(takenAt("etcd-snapshot-hetzner-1-1795694400", modified).toISOString()).toBe(
    "2026-11-26T12:00:00.000Z",
  );
  expect(takenAt("before-2-hetzner-1-1795694400.zip", "").getTime()).toBe(1_795_694_400_000);
  expect(takenAt("by-hand-2026", modified).toISOString()).toBe(modified);
});

const at = (name: string, time: string) => ({ name, at: time });
test("newest first, whatever their names", () => {
  expect(newestFirst([at("z", "2026-01-01"), at("a", "2026-01-03"), at("b", "2026-01-02")]).map(({ name }) => name))
    .toEqual(["a", "b", "z"]); // prettier-ignore
});

test("a token's id is that of its password, in whichever form it is given", () => {
  const password = "0123456789abcdef";
  const id = createHash("sha256").update(password).digest("hex").slice(0, 12);

  expect(tokenId(password)).toBe(id);
  expect(tokenId(`${password}\n`)).toBe(id);
  expect(tokenId(`K10${"a".repeat(64)}::server:${password}`)).toBe(id);
  expect(tokenId("another")).not.toBe(id);
});

test("a name is one word that no shell and no path takes for more", () => {
  expect(["on-demand", "before-1.37", "a"].map(isName)).toEqual([true, true, true]);
  expect(["", "-s3", "a b", "../x", "a/b", "a;b", "$(x)", "a\n"].map(isName)).toEqual(Array(8).fill(false));
});

const of = (ageSeconds: number) => ({ name: "s", ageSeconds });
describe("freshness", () => {
  test("two intervals and five minutes", () => expect(staleAfter(15)).toBe(35 * 60));

  test.each([
    [of(35 * 60), 10 * 86_400, true],
    [of(35 * 60 + 1), 10 * 86_400, false],
    [of(35 * 60 + 1), null, false],
    [undefined, 600, true],
    [undefined, 36 * 60, false],
    [undefined, null, false],
  ])("%j of a cluster that is %j s old: %j", (newest, cluster, ok) => {
    expect(judge(newest, 15, cluster).ok).toBe(ok);
  });
});
