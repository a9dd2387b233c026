import assert from "node:assert/strict";
import { rmSync, statSync } from "node:fs";
import { join } from "node:path";
import type { BackupCreate } from "../../src/commands/backup-create.ts";
import { type Case, command, eventually } from "./harness.ts";
import { commitAndPush, DOMAIN, gitopsStatus, k } from "./gitops-place.ts";
import { settled } from "./gitops-guards.ts";
import { at, cluster, infra, must } from "./place.ts";
import { restores } from "./restore.ts";
import { APP, CLAIMED, FILL, inApp, INVENTORY, state } from "./velero-app.ts";
import { bucketPath, bytesBelow, opens, refused } from "./velero-bucket.ts";

async function statusOf(thing: string): Promise<{ phase: string }> {
  return JSON.parse(await k(`get ${thing} --namespace velero -o 'jsonpath={.status}'`)) as { phase: string };
}

interface VolumeBackup {
  metadata: { annotations?: Record<string, string> };
  spec: { pod: { namespace: string } };
  status: { phase: string; progress: { bytesDone?: number } };
}

const MIB = 1024 * 1024;
const CANARY = "velero-canary-5d1e";

const schedulePaused = (paused: boolean) =>
  k(`patch schedule volumes --namespace velero --type merge --patch '{"spec":{"paused":${paused}}}'`);

/** What a lost volume is brought back from. */
export const volumes: readonly Case[] = [
  {
    name: "velero: it reaches its bucket by the key that OpenTofu minted, and its schedule is taken",
    async run() {
      const seen = await eventually(
        "Velero to reach its bucket",
        async () => (await gitopsStatus()).backups.volumes,
        (one) => one?.location === "Available",
        120,
      );
      const schedule = await statusOf("schedules.velero.io volumes");
      // Its backup of the hour would be the newest in the midst of what follows.
      await schedulePaused(true);

      assert.deepEqual([seen?.stale, schedule.phase], [false, "Enabled"]);
    },
  },
  {
    name: "velero: a backup of an app with a volume is whole: its bytes are in R2, its objects in a tarball over 5 MiB without a Secret",
    async run() {
      const host = `${APP}.${DOMAIN}`;
      await must(infra(["app", "add", APP, "--image", "ghcr.io/infra-k3s/probe:1", "--port", "7000", "--host", host, "--volume", "1Gi:/data"])); // prettier-ignore
      await commitAndPush("Add an app with a volume");
      await eventually("the app", async () => (await gitopsStatus()).apps.map(({ name }) => name), (all) => all.includes(APP)); // prettier-ignore
      await settled(APP);
      await k("create namespace velero-canary");
      await k(`create secret generic canary --namespace velero-canary --from-literal=token=${CANARY}`);
      // Random, or it would be small again in the tarball.
      const bulk = `k3s kubectl create configmap --namespace ${APP} bulk-$i --from-file=/tmp/bulk`;
      await must(at("hetzner-1", `set -e; for i in 1 2 3 4 5 6 7 8; do head -c 700000 /dev/urandom >/tmp/bulk; ${bulk}; done; rm /tmp/bulk`)); // prettier-ignore
      await inApp(FILL);
      state.inventory = await inApp(INVENTORY);
      const made = JSON.parse((await must(infra(["backup", "create", "--name", "files", "--json"]))).stdout) as BackupCreate; // prettier-ignore
      state.backup = made.backup;

      assert.equal(made.volumes?.phase, "Completed", JSON.stringify(made));
      assert.ok(made.name.startsWith(`${made.backup}-hetzner-1-`), "one name for both");
      assert.ok((made.inventory?.files ?? 0) > 2000, JSON.stringify(made.inventory));
      const saved = JSON.parse(await k(`get podvolumebackups.velero.io --namespace velero --selector=velero.io/backup-name=${state.backup} -o json`)) as { items: VolumeBackup[] }; // prettier-ignore
      const own = saved.items.filter(({ spec }) => spec.pod.namespace === APP);
      assert.deepEqual(own.map(({ metadata, status }) => [metadata.annotations?.["velero.io/pvc-name"], status.phase]), [[APP, "Completed"]]); // prettier-ignore
      assert.ok((own[0]?.status.progress.bytesDone ?? 0) > CLAIMED);
      assert.ok(bytesBelow("velero/kopia", APP) > CLAIMED, "random bytes take their room in the bucket");

      const tarball = bucketPath("velero/backups", state.backup, `${state.backup}.tar.gz`);
      assert.ok(statSync(tarball).size > 5 * MIB, `${statSync(tarball).size} bytes`);
      const listed = (await must(command(["tar", "--list", "--gzip", `--file=${tarball}`]))).stdout;
      assert.match(listed, new RegExp(`resources/deployments\\.apps/namespaces/${APP}/${APP}\\.json`));
      assert.match(listed, new RegExp(`resources/configmaps/namespaces/${APP}/bulk-8\\.json`));
      assert.doesNotMatch(listed, /resources\/secrets|namespaces\/(argocd|kube-system|velero)\//);
      const text = (await must(command(["sh", "-c", `tar --extract --gzip --to-stdout --file='${tarball}' | grep -cE '${CANARY}|${Buffer.from(CANARY).toString("base64").slice(0, 20)}' || true`]))).stdout; // prettier-ignore
      assert.equal(text.trim(), "0");
      assert.deepEqual(refused(), []);
      const { ok, backups } = await gitopsStatus();
      assert.deepEqual([backups.volumes?.newest, backups.volumes?.unsaved], [state.backup, []]);
      assert.ok(ok);
    },
  },
  {
    name: "velero: the repository opens with the cluster's own password, and not with the one that everybody knows",
    async run() {
      const file = "kubernetes/infrastructure/velero/repository.sops.yaml";
      const { stdout } = await must(infra(["secrets", "show", file, "repository-password", "--yes"]));

      assert.match(stdout.trim(), /^[0-9a-f]{64}$/);
      assert.ok(opens(APP, stdout.trim()));
      assert.ok(!opens(APP, "static-passw0rd"));
    },
  },
  ...restores,
  {
    name: "velero: status names a claim that no pod uses, and one that is in no backup",
    async run() {
      await k(`create --namespace ${APP} --filename=- <<'END'
apiVersion: v1
kind: PersistentVolumeClaim
metadata: { name: unused }
spec: { accessModes: [ReadWriteOnce], resources: { requests: { storage: 1Mi } } }
END`);
      const { backups } = await gitopsStatus();
      rmSync(join(cluster, "kubernetes/apps", APP), { recursive: true });
      await commitAndPush("Remove the app with a volume");
      await eventually("the end of the app", () => k(`get application ${APP} --namespace argocd --ignore-not-found -o name`), (text) => text.trim() === ""); // prettier-ignore
      await k(`delete namespace ${APP} --wait=true --timeout=180s`);

      const unsaved = Object.fromEntries(
        (backups.volumes?.unsaved ?? []).map(({ name, reason }) => [name, reason]),
      );
      assert.match(unsaved["unused"] ?? "", /no running pod uses it/);
      // The restored claim is another than the one that was saved.
      assert.match(unsaved[APP] ?? "", new RegExp(`it is not in ${state.backup}`));
      await k("delete namespace velero-canary --wait=false");
      await schedulePaused(false);
    },
  },
];
