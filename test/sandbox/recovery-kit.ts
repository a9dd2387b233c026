import assert from "node:assert/strict";
import { rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { STATE } from "./gitops-place.ts";
import type { Case } from "./harness.ts";
import { infra, must, work } from "./place.ts";

interface Verified {
  ok: boolean;
  checks: { name: string; ok: boolean }[];
}

const KIT = join(work, "three-clouds.recovery-kit.age");

/** What a lost cluster is restored with. */
export const recoveryKits: readonly Case[] = [
  {
    name: "recovery kit: of a cluster that follows git: the recovery key alone opens it, and what is in it opens all that is here",
    async run() {
      const made = await must(infra(["recovery-kit", "export", "--output", KIT]));
      const key = join(STATE, "operator/recovery.key");
      const verified = await must(infra(["recovery-kit", "verify", KIT, "--identity", key, "--json"]));
      const own = await infra([
        "recovery-kit",
        "verify",
        KIT,
        "--identity",
        join(STATE, "cluster/.age-key.local"),
      ]);
      const { mode } = statSync(KIT);
      rmSync(KIT);

      assert.match(made.stdout, /k3s-tokens\.json/);
      assert.equal(mode & 0o777, 0o600);
      const { ok, checks } = JSON.parse(verified.stdout) as Verified;
      assert.ok(ok && checks.length >= 5 && checks.every((one) => one.ok), verified.stdout);
      assert.notEqual(own.exitCode, 0, "the cluster's own key is not the recovery key");
    },
  },
];
