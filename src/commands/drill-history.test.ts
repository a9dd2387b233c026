import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeEach, expect, test } from "vitest";
import type { DrillResult } from "../drill/result.ts";
import { describeDrill, keepDrill, lastDrill } from "./drill-history.ts";

const root = mkdtempSync(join(tmpdir(), "infra-k3s-drills-"));
afterAll(() => rmSync(root, { recursive: true }));
beforeEach(() => rmSync(join(root, ".infra-k3s"), { recursive: true, force: true }));

const drill = (began: string, passed: boolean): DrillResult => ({
  passed,
  cluster: "prod",
  backup: "nightly-2",
  commit: "abc",
  k3s: "v1",
  began,
  rpoSeconds: 61.4,
  rtoSeconds: passed ? 500 : null,
  steps: [],
  objects: { compared: 1, differing: [], unsettled: 0 },
  volumes: { filesCompared: 1, bytesCompared: 1, differing: [], unsettled: 0 },
  reason: "",
  leftOut: [],
});
const at = (text: string) => Date.parse(text);

test("none yet", () => {
  expect(lastDrill(root, 0)).toBeNull();
  expect(describeDrill(null)).toContain("none from here yet");
});

test("the last one counts, whichever was better; what can't be read is passed over", () => {
  keepDrill(root, drill("2026-11-26T12:00:00.000Z", true));
  const file = keepDrill(root, drill("2026-11-27T12:00:00.000Z", false));
  writeFileSync(join(dirname(file), "notes.json"), "{");

  const last = lastDrill(root, at("2026-11-27T13:00:00.000Z"));
  expect(last).toMatchObject({ ok: false, passed: false, ageSeconds: 3600, rtoSeconds: null });
  expect(last?.reason).toMatch(/failed/);
  expect(statSync(file).mode & 0o777).toBe(0o600);
});

test("one that passed is good for 35 days", () => {
  keepDrill(root, drill("2026-11-01T00:00:00.000Z", true));

  expect(lastDrill(root, at("2026-12-06T00:00:00.000Z"))).toMatchObject({ ok: true, reason: "" });
  const stale = lastDrill(root, at("2026-12-06T00:00:01.000Z"));
  expect(stale).toMatchObject({ ok: false, reason: expect.stringContaining("one is due every 35 days") as string });
  expect(describeDrill(stale)).toMatch(/recovery point 1m1s, recovery time 8m20s.*NOT OK/);
}); // prettier-ignore
