import { expect, test } from "vitest";
import { AGE_KEYS, CLUSTER, K3S_TOKENS, staleEntries, tokensText } from "./contents.ts";

const KIT = new Map([
  [CLUSTER, "name: prod\n"],
  [K3S_TOKENS, tokensText(["new", "old"])],
  [AGE_KEYS, "AGE-SECRET-KEY-1A\nAGE-SECRET-KEY-1B\n"],
  ["TF_VAR_state_passphrase", "p"],
]);

test("what is here as in the kit, or not here at all, is not stale", () => {
  expect(staleEntries(KIT, KIT)).toEqual([]);
  expect(staleEntries(KIT, new Map([[CLUSTER, "name: prod\n"]]))).toEqual([]);
});

test("what has changed since, and what the kit never had, is named", () => {
  const here = new Map([
    [CLUSTER, "name: prod # 2\n"],
    ["TF_VAR_state_passphrase", "q"],
    ["KOPIA_PASSWORD", "k"],
  ]);

  expect(staleEntries(KIT, here)).toEqual([
    { entry: CLUSTER, reason: "changed" },
    { entry: "TF_VAR_state_passphrase", reason: "changed" },
    { entry: "KOPIA_PASSWORD", reason: "not in the kit" },
  ]);
});

test("a token or key that the kit has among its own is not stale; a new one is", () => {
  expect(staleEntries(KIT, new Map([[K3S_TOKENS, tokensText(["old"])]]))).toEqual([]);
  expect(staleEntries(KIT, new Map([[AGE_KEYS, "AGE-SECRET-KEY-1B\n"]]))).toEqual([]);

  expect(staleEntries(KIT, new Map([[K3S_TOKENS, tokensText(["newer"])]]))).toEqual([
    { entry: K3S_TOKENS, reason: "changed" },
  ]);
  expect(staleEntries(KIT, new Map([[AGE_KEYS, "AGE-SECRET-KEY-1C\nAGE-SECRET-KEY-1A\n"]]))).toEqual([
    { entry: AGE_KEYS, reason: "changed" },
  ]);
});
