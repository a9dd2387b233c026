import { describe, expect, test } from "vitest";
import { readKit, writeKit } from "./kit.ts";

const ABOUT = {
  made: "2026-11-26T12:00:00.000Z",
  madeBy: "infra-k3s 0.1.0",
  cluster: { name: "prod", id: "c0ffee" },
  k3s: "v1.36.3+k3s1",
  git: { repository: "ssh://git@example.com/prod.git", branch: "main", commit: "abc" },
};
const ENTRIES = new Map([
  ["cluster.yaml", "name: prod\n"],
  ["ANSIBLE_VAULT_PASSWORD", "hunter2"],
]);

/** The kit's text after a change of what it says. */
function changed(
  change: (kit: { manifest: Record<string, unknown>; entries: Record<string, string> }) => void,
) {
  const kit = JSON.parse(writeKit(ABOUT, ENTRIES)) as Parameters<typeof change>[0];
  change(kit);
  return JSON.stringify(kit);
}

describe("a kit's text", () => {
  test("is read as it was written", () => {
    const { manifest, entries } = readKit(writeKit(ABOUT, ENTRIES));

    expect(manifest).toMatchObject({ format: 1, ...ABOUT });
    expect(entries).toEqual(ENTRIES);
  });

  test.each([
    ["an entry that was changed", /ANSIBLE_VAULT_PASSWORD does not have the sha256/, changed(({ entries }) => void (entries["ANSIBLE_VAULT_PASSWORD"] = "hunter3"))],
    ["an entry that was taken out", /cluster\.yaml is in its manifest, and not in it/, changed(({ entries }) => void delete entries["cluster.yaml"])],
    ["an entry that was put in", /evil is in it, and not in its manifest/, changed(({ entries }) => void (entries["evil"] = "x"))],
    ["a manifest without a cluster", /manifest\.cluster can't be read/, changed(({ manifest }) => void delete manifest["cluster"])],
    ["a newer format", /format 2, and this release reads format 1/, changed(({ manifest }) => void (manifest["format"] = 2))],
    ["other JSON", /no recovery kit/, "[]"],
    ["null", /no recovery kit/, "null"],
    ["other text", /no recovery kit/, "hunter2 {"],
  ])("%s is refused, and nothing of it is repeated", (_, message, text) => {
    expect(() => readKit(text)).toThrow(message);
    expect(() => readKit(text)).not.toThrow(/hunter/);
  }); // prettier-ignore
});
