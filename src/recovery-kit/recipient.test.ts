import { expect, test } from "vitest";
import { newRules, parseRules } from "../secrets/rules.ts";
import { drillRecipient, recoveryRecipient } from "./recipient.ts";

const key = (letter: string) => `age1${letter.repeat(58)}`;
const rules = (...recipients: [name: string, key: string][]) =>
  parseRules(newRules(recipients.map(([name, value]) => ({ name, key: value }))));

test("it is the one key that .sops.yaml calls recovery", () => {
  expect(recoveryRecipient(rules(["cluster", key("q")], ["recovery", key("z")]))).toBe(key("z"));
});

test("the drill's is the one that .sops.yaml calls drill, where there is one", () => {
  expect(drillRecipient(rules(["recovery", key("z")], ["drill", key("d")]))).toBe(key("d"));
  expect(drillRecipient(rules(["recovery", key("z")]))).toBeUndefined();
  expect(drillRecipient(rules(["drill", "ssh-ed25519"]))).toBeUndefined();
  expect(drillRecipient(undefined)).toBeUndefined();
});

test.each([
  ["no rules", undefined, /there is no \.sops\.yaml/],
  ["no recovery key", rules(["cluster", key("q")]), /names no recovery key/],
  ["two of them", rules(["recovery", key("q")], ["recovery", key("z")]), /names 2 recovery keys/],
  ["something else", rules(["recovery", "ssh-ed25519"]), /not a public age key/],
])("%s: a fault that says what to do", (_, given, what) => {
  expect(recoveryRecipient(given)).toMatchObject({
    what: expect.stringMatching(what) as string,
    fix: expect.stringContaining("infra-k3s secrets") as string,
  });
});
