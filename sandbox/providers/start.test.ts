import { expect, test } from "vitest";
import { reattachIn } from "./start.ts";

const LINE =
  '{"registry.opentofu.org/vultr/vultr":{"Protocol":"grpc","Addr":{"Network":"unix","String":"/s"}}}';

test("how to reach the providers is found among what they say", () => {
  expect(reattachIn(`2026-11-23 something\n${LINE}\nmore\n`)).toBe(LINE);
});

test.each(["", "provider: no such vendor\n", LINE.slice(0, 50), LINE])(
  "%j does not say it, or not yet to the end",
  (log) => {
    expect(reattachIn(log)).toBeUndefined();
  },
);
