import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { explain } from "./system-errors.ts";

function thrown(attempt: () => void): unknown {
  try {
    attempt();
  } catch (error) {
    return error;
  }
  throw new Error("it succeeded");
}

test("a full disk is told with what to do, by the kernel's own refusal", () => {
  const error = explain(thrown(() => writeFileSync("/dev/full", "x")));
  expect(error?.message).toMatch(
    /write\S*\n  why: no space is left there\n  fix: make room and run this again/,
  );
  expect(error?.exitCode).toBe(1);
});

test("what may not be written names the place", () => {
  const error = explain(thrown(() => writeFileSync("/sys/x", "x")));
  expect(error?.message).toMatch(/^\/sys\/x: open was refused\n  why: .*\n  fix: /);
});

test("what is no refusal of the system's stays a bug", () => {
  const folder = mkdtempSync(join(tmpdir(), "errors-"));
  expect(explain(thrown(() => readFileSync(join(folder, "none"))))).toBeUndefined();
  rmSync(folder, { recursive: true });
  expect(explain(new TypeError("x"))).toBeUndefined();
  expect(explain("text")).toBeUndefined();
});
