import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type AgeKey, newAgeKey } from "../../src/tools/sops/age.ts";
import { git } from "./corpus.ts";
import { findSops, Place } from "./place.ts";

const program = await findSops();
const DB = "kubernetes/apps/echo/db.sops.yaml";
const OTHER = "kubernetes/apps/echo/other.sops.yaml";

/** In order: each goes on where the one before ended. */
describe.skipIf(program === undefined)("secrets rotate, with the real SOPS", { timeout: 300_000 }, () => {
  let place: Place;
  let recovery = "";
  let bob: AgeKey;
  beforeAll(async () => {
    place = new Place(program ?? "");
    bob = await newAgeKey();
    recovery = (await place.must(["init", "--yes"])).trim();
    await place.must(["set", DB, "password", "--namespace", "echo"], "hunter3");
    await place.must(["set", DB, "app.conf"], "two\nlines");
    await place.must(["set", OTHER, "a"], "two");
    place.commit("one");
  }, 60_000);
  afterAll(() => place.remove());

  const sops = (args: string[], identity: string) =>
    execFileSync(place.sops, args, {
      cwd: place.root,
      env: { SOPS_AGE_KEY: identity, SOPS_DISABLE_VERSION_CHECK: "1", HOME: "/nonexistent" },
      encoding: "utf8",
      stdio: "pipe",
    });

  test("rotate --add: one more can open everything, by a new data key", async () => {
    const before = place.read(DB);
    await place.must(["rotate", "--add", `bob=${bob.recipient}`]);
    expect(sops(["decrypt", DB], bob.identity)).toContain("hunter3");
    expect(/password: .*/.exec(place.read(DB))?.[0]).not.toBe(/password: .*/.exec(before)?.[0]);
    expect((await place.run(["check"])).code).toBe(0);
    place.commit("bob");
  });

  test("rotate --remove: it can't open it any more, and what it has seen is told, by what is still the same", async () => {
    await place.must(["set", DB, "later"], "set while bob could read");
    place.commit("later");
    await place.must(["set", DB, "password"], "hunter4");
    mkdirSync(join(place.root, "kubernetes/gone"), { recursive: true });
    await place.must(["set", "kubernetes/gone/x.sops.yaml", "taken-out"], "y");
    place.commit("gone soon");
    git(place.root, "rm", "--quiet", "kubernetes/gone/x.sops.yaml");
    place.commit("gone");
    const { seen } = JSON.parse(await place.must(["rotate", "--remove", "bob", "--json"])) as {
      seen: { by: string; file: string; key: string; now: string }[];
    };
    expect(seen.map(({ by, file, key, now }) => `${by} ${file} ${key} ${now}`).sort()).toEqual([
      `bob ${DB} app.conf same`,
      `bob ${DB} later same`,
      `bob ${DB} password same`,
      `bob ${OTHER} a same`,
      "bob kubernetes/gone/x.sops.yaml taken-out gone",
    ]);
    expect(() => sops(["decrypt", DB], bob.identity)).toThrow(/Failed to get the data key/);
    expect(sops(["decrypt", DB], recovery)).toContain("hunter4");
    expect(place.read(".sops.yaml")).not.toContain(bob.recipient);
    place.commit("without bob");
  });

  test("what was changed at its source since is told apart, when asked again by the key", async () => {
    await place.must(["set", DB, "password"], "hunter5");
    await place.must(["set", DB, "later"], "new at its source");
    const said = await place.must(["rotate", "--remove", bob.recipient]);
    expect(said).toMatch(/app\.conf .*yes/);
    expect(said).not.toMatch(/password|later/);
    expect(said).toContain("3 more were seen and have been changed or taken out since");
    place.commit("changed");
  });

  test("killed between the rules and the files, the next rotate ends what was begun", async () => {
    const rules = place.read(".sops.yaml");
    await place.must(["rotate", "--add", `bob=${bob.recipient}`]);
    // As it lies when killed: the files have bob, the rules don't.
    writeFileSync(join(place.root, ".sops.yaml"), rules);
    const { code, stdout } = await place.run(["check"]);
    expect([code, stdout]).toEqual([1, expect.stringContaining(`${bob.recipient} can open ${DB}`)]);
    const said = await place.must(["rotate"]);
    expect(said).toContain("already seen by who was removed");
    expect((await place.run(["check"])).code).toBe(0);
    place.commit("whole");
  });

  test("rotate --renew cluster: a new key here, the old one beside it for the history and the cluster", async () => {
    const [, old = ""] = /^(AGE-SECRET-KEY\S+)$/m.exec(place.read(".age-key.local")) ?? [];
    await place.must(["rotate", "--renew", "cluster"]);
    const keys = place.read(".age-key.local").match(/^AGE-SECRET-KEY\S+$/gm) ?? [];
    expect([keys.length, keys[1]]).toEqual([2, old]);
    expect(() => sops(["decrypt", DB], old)).toThrow(/Failed to get the data key/);
    expect(await place.must(["show", DB, "password", "--yes"])).toBe("hunter5");
    place.commit("renewed");
    expect(await place.must(["check"])).toBe("");
  });

  test("rotate refuses when no key of this place could open the files any more", async () => {
    const kept = place.read(".age-key.local");
    writeFileSync(join(place.root, ".age-key.local"), "");
    const { code, stderr } = await place.run(["rotate"]);
    expect([code, stderr]).toEqual([64, expect.stringContaining("would open it any more")]);
    writeFileSync(join(place.root, ".age-key.local"), kept);
  });
});
