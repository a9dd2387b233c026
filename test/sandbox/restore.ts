import assert from "node:assert/strict";
import { statSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import type { VolumesVerify } from "../../src/commands/backup-verify-volumes.ts";
import type { ComparisonEvent } from "../../src/output/events.ts";
import { k, STATE } from "./gitops-place.ts";
import { settled } from "./gitops-guards.ts";
import { type Case, eventually, type Outcome } from "./harness.ts";
import { at, done, infra, killed, must } from "./place.ts";
import { APP, inApp, INVENTORY, state } from "./velero-app.ts";
import { bucketPath, refused, withoutR2 } from "./velero-bucket.ts";

const KEY = join(STATE, "operator/recovery.key");
const args = (...more: string[]) => ["restore", "--from", state.backup, "--namespace", APP, "--identity", KEY, "--json", ...more]; // prettier-ignore
/** What has happened is deleted for good: nobody is there to be asked. */
const REPLACE = ["--replace", "--yes"];

const controller = (path: string) =>
  k(`get statefulset argocd-application-controller --namespace argocd --output 'jsonpath=${path}'`);
const NOTE = "{.metadata.annotations.infra-k3s/replicas-before-restore}";

/** Until a step of `--json` has come to a state. */
const until =
  (stage: string, reached: string, then = 0) =>
  async (stdout: Readable) => {
    for await (const line of createInterface(stdout)) {
      const event = JSON.parse(line) as { stage?: string; state?: string };
      if (event.stage === stage && event.state === reached) break;
    }
    await sleep(then);
  };

function comparisonOf({ stdout }: Outcome): ComparisonEvent {
  const events = stdout.trim().split("\n").map((line) => JSON.parse(line) as { event: string }); // prettier-ignore
  const found = events.find(({ event }) => event === "comparison");
  assert.ok(found, stdout.slice(-2000));
  return found as ComparisonEvent;
}

const running = () => k("get podvolumerestores.velero.io --namespace velero --output=name");

/** A restore into the running cluster: after the case that has made the backup. */
export const restores: readonly Case[] = [
  {
    name: "backup verify: of the volumes' backup every object is read, and its repository opens with the cluster's password",
    async run() {
      const { stdout } = await must(infra(["backup", "verify", state.backup, "--identity", KEY, "--json"]));
      const tarball = join("velero/backups", state.backup, `${state.backup}.tar.gz`);

      const { ok, checks } = JSON.parse(stdout) as VolumesVerify;
      assert.ok(ok, stdout);
      assert.match(
        checks.find(({ name }) => name === `repository ${APP}`)?.reason ?? "",
        /opens with the password/,
      );
      assert.match(checks.find(({ name }) => name === "inventory")?.reason ?? "", /files of/);
      assert.ok(statSync(bucketPath(tarball)).size > 0);
    },
  },
  {
    name: "restore --from: a deleted namespace comes back equal to its inventory, objects and each byte; killed on the way, Argo CD stays held until it is run again",
    async run() {
      assert.ok(state.inventory.split("\n").length > 4000);
      await k(`delete namespace ${APP} --wait=true --timeout=180s`);
      // Argo CD may have begun it anew by now.
      await killed(args(...REPLACE), until("volumes", "start", 4000));
      const held = [await controller("{.spec.replicas}"), await controller(NOTE)];
      const other = await infra(["restore", "--from", "another"]);
      const restored = await infra(args(), { timeout: 1_200_000 });

      assert.deepEqual(held, ["0", "1"], "held, and noted");
      assert.match(other.stderr, /has not come to its end/);
      assert.equal(restored.exitCode, 0, restored.all.slice(-3000));
      const { equal, compared, differing } = comparisonOf(restored);
      assert.deepEqual([equal, differing], [true, []]);
      console.log(`        ${compared.join("; ")}; ${done(restored).stages.map(({ name, seconds }) => `${name} ${seconds} s`).join(", ")}`); // prettier-ignore
      assert.equal(await inApp(INVENTORY), state.inventory, "as the app itself sees it");
      assert.deepEqual([await controller("{.spec.replicas}"), await controller(NOTE)], ["1", ""]);
      await settled(APP);
      await settled("velero");
      assert.match(await k("get backups.velero.io --namespace velero -o name"), new RegExp(`/${state.backup}$`, "m"), "Argo CD does not take what Velero makes for its own"); // prettier-ignore
      assert.deepEqual(refused(), []);
    },
  },
  {
    full: true,
    name: "restore --from: R2 is gone half-way: it says so and Argo CD stays held; when R2 is back, the same command ends it, equal",
    async run() {
      const begun = infra(args(...REPLACE), { timeout: 1_200_000 });
      const before = await running();
      await eventually("Velero brings the volume", running, (now) => now !== before);
      const [broken, held] = await withoutR2(async () => [await begun, await controller("{.spec.replicas}")]);
      const restored = await infra(args(), { timeout: 1_200_000 });

      assert.equal(broken.exitCode, 1, broken.all.slice(-3000));
      assert.match(
        broken.stderr,
        /not everything is back, and Argo CD stays held[^]*r2\.cloudflarestorage\.com/,
      );
      assert.equal(held, "0");
      assert.equal(restored.exitCode, 0, restored.all.slice(-3000));
      assert.deepEqual(comparisonOf(restored).differing, []);
      assert.equal(await inApp(INVENTORY), state.inventory);
      await settled(APP);
    },
  },
  {
    full: true,
    name: "restore --from: what is in the way is not touched without --replace; with it a Secret that no backup has is kept; one flipped byte and one missing object are named",
    async run() {
      await k(`create secret generic by-hand --namespace ${APP} --from-literal=a=kept`);
      const refusal = await infra(args());
      await killed(args(...REPLACE), until("pods", "done"));
      await inApp("printf x | dd of=/data/large-1 bs=1 seek=1000 conv=notrunc 2>/dev/null");
      await k(`delete configmap bulk-8 --namespace ${APP}`);
      const restored = await infra(args(), { timeout: 1_200_000 });

      assert.equal(refusal.exitCode, 1);
      assert.match(refusal.stderr, /there is something in files; nothing was changed/);
      assert.equal(restored.exitCode, 1);
      const named = comparisonOf(restored).differing.map(({ where, what }) => `${where} ${what}`);
      assert.deepEqual(named.toSorted(), [
        `ConfigMap ${APP} bulk-8 missing`,
        `Secret ${APP} by-hand unexpected`,
        `${APP}/${APP}: large-1 content`,
      ]); // prettier-ignore
      assert.equal(await k(`get secret by-hand --namespace ${APP} --output 'jsonpath={.data.a}'`), Buffer.from("kept").toString("base64")); // prettier-ignore
      const { exitCode } = await at("hetzner-1", "ls /var/lib/rancher/k3s/server/infra-k3s-restore-*");
      assert.notEqual(exitCode, 0, "what was kept aside is gone");
      await settled(APP);
    },
  },
  {
    name: "restore --from: with another password of Kopia's, and without one, nothing is deleted and no repository is begun",
    async run() {
      const repository = bucketPath("velero/kopia", APP, "kopia.repository");
      const before = statSync(repository).mtimeMs;
      const secret = "secret velero-repo-credentials --namespace velero";
      // Argo CD would put it back at once.
      await k("scale statefulset/argocd-application-controller --namespace argocd --replicas=0");
      await k("wait pod/argocd-application-controller-0 --namespace argocd --for=delete --timeout=60s");
      const outcomes: Outcome[] = [];
      try {
        await k(`patch ${secret} --type=merge --patch '{"stringData":{"repository-password":"static-passw0rd"}}'`); // prettier-ignore
        outcomes.push(await infra(args(...REPLACE)));
        await k(`delete ${secret}`);
        outcomes.push(await infra(args(...REPLACE)));
      } finally {
        await k("scale statefulset/argocd-application-controller --namespace argocd --replicas=1");
      }
      await settled("velero");

      assert.deepEqual(
        outcomes.map(({ exitCode }) => exitCode),
        [1, 1],
      );
      assert.match(outcomes[0]?.stderr ?? "", /made with another password/);
      assert.match(outcomes[1]?.stderr ?? "", /velero-repo-credentials is not in the cluster/);
      assert.equal(statSync(repository).mtimeMs, before);
      assert.match(await k(`get deployment ${APP} --namespace ${APP} --output name`), /files/);
    },
  },
];
