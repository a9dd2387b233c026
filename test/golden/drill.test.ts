import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { drillPage } from "../../src/drill/page.ts";
import type { DrillResult } from "../../src/drill/result.ts";
import { drillText } from "../../src/drill/text.ts";

const FOLDER = join(import.meta.dirname, "drill/expected");
const UPDATE = process.env["GOLDEN"] === "update";

const PASSED: DrillResult = {
  passed: true,
  cluster: "prod",
  backup: "daily-20261126020000",
  commit: "0123456789abcdef",
  k3s: "v1.36.3+k3s1",
  began: "2026-11-26T12:00:00Z",
  rpoSeconds: 754.4,
  rtoSeconds: 412,
  steps: [
    { name: "copy the backup, the commit and the images", startSeconds: 0, seconds: 95.2, ok: true, note: "1.4 GB" },
    { name: "close the network", startSeconds: 95.2, seconds: 0.4, ok: true, note: "" },
    { name: "restore etcd", startSeconds: 96, seconds: 61, ok: true, note: "snapshot of 11:47:26" },
    { name: "restore the volumes", startSeconds: 157, seconds: 255, ok: true, note: "" },
    { name: "compare", startSeconds: 412, seconds: 12, ok: true, note: "" },
  ],
  objects: { compared: 412, differing: [], unsettled: 3 },
  volumes: { filesCompared: 20_123, bytesCompared: 1_173_741_824, differing: [], unsettled: 0 },
  reason: "",
  leftOut: [{ name: "media/nfs", why: "it is not of type local" }],
}; // prettier-ignore

/** Everything that somebody else chooses is hostile in one way or another. */
const EVIL = `<script>alert("1")</script>&'`;
const FAILED: DrillResult = {
  ...PASSED,
  passed: false,
  cluster: EVIL,
  backup: `b${EVIL}`,
  commit: "",
  rpoSeconds: null,
  rtoSeconds: null,
  steps: [
    { name: EVIL, startSeconds: 0, seconds: 1, ok: true, note: EVIL },
    { name: "restore the volumes", startSeconds: 1, seconds: 30, ok: false, note: `two\nlines ${EVIL}` },
  ],
  objects: {
    compared: 2,
    differing: [
      { group: "apps", kind: "Deployment", namespace: "shop", name: EVIL, what: "changed", fields: ["spec.replicas", EVIL] },
      { group: "", kind: "Namespace", namespace: "", name: "shop", what: "missing", fields: [] },
    ],
    unsettled: 0,
  },
  volumes: {
    filesCompared: 1,
    bytesCompared: 12,
    differing: [
      { volume: "shop/data", path: "bytes \udcff and\nlines \u202e\\", what: "content", expected: "a".repeat(64), found: "b".repeat(64) },
      { volume: "shop/data", path: EVIL, what: "missing", expected: "file", found: "" },
      { volume: "shop/far", path: "", what: "unread", expected: "its files", found: "w2 can't be reached by SSH" },
      ...Array.from({ length: 30 }, (_, i) => ({ volume: "shop/data", path: `f${i}`, what: "mode" as const, expected: "0644", found: "0600" })),
    ],
    unsettled: 1,
  },
  reason: `none of it was compared ${EVIL}`,
  leftOut: [{ name: EVIL, why: EVIL }],
}; // prettier-ignore

/** `GOLDEN=update npm run golden` rewrites them and still fails, so that a change is never silent. */
test.each([
  ["passed.txt", drillText(PASSED)],
  ["passed.html", drillPage(PASSED)],
  ["failed.txt", drillText(FAILED)],
  ["failed.html", drillPage(FAILED)],
])("a drill's report is as before: %s", (name, rendered) => {
  const path = join(FOLDER, name);
  const before = existsSync(path) ? readFileSync(path, "utf8") : "";
  if (UPDATE) {
    mkdirSync(FOLDER, { recursive: true });
    writeFileSync(path, rendered);
  }
  expect(rendered).toBe(before);
});

test("nothing that somebody else chose becomes markup, and nothing is fetched or run", () => {
  const page = drillPage(FAILED);
  const inside = page.slice(page.indexOf("<body>"));

  expect(page.match(/<script|javascript:|https?:|url\(|@import|src=|href=/g)).toBeNull();
  expect(new Set(inside.match(/<\/?[a-z0-9]+/g)?.map((tag) => tag.replace(/<\/?/, "")))).toEqual(
    new Set("body main h1 span p time dl div dt dd ul li h2 ol table thead tr th tbody td html".split(" ")),
  );
  // Only what stands in tags of our own is in quotes.
  expect(inside.replaceAll(/<[^>]*>/g, "")).not.toMatch(/["'<>]/);
  // oxlint-disable-next-line no-control-regex
  expect([...inside.matchAll(/[\u0000-\u0009\u000b-\u001f\u202a-\u202e\ud800-\udfff]/g)]).toEqual([]);
  expect(page).toContain("default-src 'none'");
});

test("a bar begins and ends where its step does", () => {
  const bars = [...drillPage(PASSED).matchAll(/margin-left:([\d.]+)%;width:([\d.]+)%/g)].map(([, left, width]) => [Number(left), Number(width)]); // prettier-ignore

  expect(bars[2]).toEqual([22.64, 14.39]);
  expect(bars.every(([left = 0, width = 0]) => left + width <= 100.01)).toBe(true);
});
