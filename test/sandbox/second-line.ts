import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, globSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { cloudflareStore } from "../../sandbox/clouds/cloudflare/api.ts";
import type { BackupCreate } from "../../src/commands/backup-create.ts";
import { withData } from "../../src/tools/ssh/python.ts";

import { canariesBelow, foundIn } from "./canary.ts";
import { type Case, command, eventually } from "./harness.ts";
import { settled } from "./gitops-guards.ts";
import { commitAndPush, DOMAIN, gitopsStatus, k, STATE } from "./gitops-place.ts";
import { at, cluster, infra, must, work } from "./place.ts";
import { bucketPath } from "./velero-bucket.ts";

const MASTER = "hetzner-1";
const APP = "twice";
const CANARY = "second-canary-7b31f0";
/** What is not in the second line: line.py says why. */
const LEFT_OUT = /^kopia\/[^/]+\/(_log_|s[0-9a-f]|kopia\.maintenance)/;

const velero = (line: string) =>
  k(`exec --namespace velero deployment/velero --container velero -- /velero ${line}`);
/** A shell script in the app's pod. */
const inApp = async (script: string) => (await must(at(MASTER, `k3s kubectl exec --namespace ${APP} deployment/${APP} -- sh -c '${script}'`))).stdout; // prettier-ignore

/** It is asked more often than its timer asks, which systemd would refuse. */
const START =
  "systemctl reset-failed infra-k3s-second-line.service; systemctl start infra-k3s-second-line.service";

/** A Python program as root on the master, with no process of the product; what it needs is in its stdin. */
async function onMaster<T>(data: object): Promise<T> {
  const program = readFileSync(join(import.meta.dirname, "stolen.py"), "utf8");
  const text = Buffer.from(withData(program, data)).toString("base64");
  return JSON.parse((await must(at(MASTER, `echo ${text} | base64 -d | python3 -`))).stdout) as T;
}

/** The copier's unit, until everything that is Completed now is in its newest complete generation, which is returned. */
async function copied(backup: string): Promise<string> {
  return eventually(
    `the second line to hold ${backup}`,
    async () => {
      await must(at(MASTER, START));
      const [newest] = globSync("*/*.json", { cwd: bucketPath("second/complete") })
        .sort()
        .reverse();
      if (newest === undefined) return "";
      const { backups } = JSON.parse(readFileSync(bucketPath("second/complete", newest), "utf8")) as { backups: string[] }; // prettier-ignore
      return backups.includes(backup) ? (newest.split("/")[0] ?? "") : "";
    },
    (generation) => generation !== "",
    240,
  );
}

/** Path → sha256 of what lies below a prefix of the bucket. */
function contents(...prefix: string[]): Record<string, string> {
  const cwd = bucketPath(...prefix);
  const files = globSync("**/*", { cwd, withFileTypes: true }).filter((one) => one.isFile());
  const paths = files.map((one) => join(one.parentPath, one.name));
  return Object.fromEntries(paths.map((path) => [path.slice(cwd.length + 1), createHash("sha256").update(readFileSync(path)).digest("hex")])); // prettier-ignore
}

/** ArgoCD at work, or paused. */
const scale = (replicas: number) => k(`scale statefulset/argocd-application-controller --namespace argocd --replicas=${replicas}`); // prettier-ignore
/** What is set of the first line, and not in git. */
const change = (spec: string) => k(`patch backupstoragelocation default --namespace velero --type merge --patch '{"spec":${spec}}'`); // prettier-ignore

const state = { backup: "", generation: "", files: "" };

/** The copy of the volumes' backups that no key of the cluster deletes. */
export const secondLine: readonly Case[] = [
  {
    full: true,
    name: "second line: what Velero restores from is copied by R2, byte by byte, where the lock holds it; status tells since when",
    async run() {
      const args = ["--image", "ghcr.io/infra-k3s/probe:1", "--port", "7000", "--host", `${APP}.${DOMAIN}`];
      await must(infra(["app", "add", APP, ...args, "--volume", "64Mi:/data"]));
      await commitAndPush("Add an app whose volume is saved twice");
      await eventually("the app", async () => (await gitopsStatus()).apps.map(({ name }) => name), (all) => all.includes(APP)); // prettier-ignore
      await settled(APP);
      await inApp(
        `head -c 9000000 /dev/urandom >/data/large; echo ${CANARY} >/data/small; mkdir -p /data/a/b; : >/data/a/b/empty`,
      );
      await k(`create secret generic canary --namespace ${APP} --from-literal=token=${CANARY}`);
      state.files = await inApp("cd /data && find . -type f | sort | xargs sha256sum");
      state.backup = "second-1";
      await velero(`backup create ${state.backup} --from-schedule volumes --wait`);
      state.generation = await copied(state.backup);

      const [first, second] = [contents("velero"), contents("second", state.generation, "velero")];
      const repository = Object.keys(first).filter((name) => name.startsWith("kopia/") && !LEFT_OUT.test(name)); // prettier-ignore
      const own = Object.keys(first).filter((name) => name.startsWith(`backups/${state.backup}/`));
      assert.ok(repository.length > 5 && own.length > 5, `${repository.length}, ${own.length}`);
      for (const name of [...repository, ...own]) assert.equal(second[name], first[name], name);
      assert.ok(Object.keys(second).every((name) => !LEFT_OUT.test(name) && /^(kopia|backups)\//.test(name)));
      const { backups } = await gitopsStatus();
      const newest = backups.second?.generations[0];
      assert.deepEqual([backups.second?.ok, newest?.name], [true, state.generation]);
      assert.ok(Date.parse(newest?.lockedUntil ?? "") > Date.now() + 14 * 86_400_000);
      // Looking again copies nothing.
      const count = () => Object.keys(contents("second")).length;
      await eventually(
        "a look that copies nothing",
        async () => {
          const before = count();
          await must(at(MASTER, START));
          return count() - before;
        },
        (more) => more === 0,
        90,
      );
      assert.match((await must(at(MASTER, "systemctl is-active infra-k3s-second-line.timer"))).stdout, /^active/);
    }, // prettier-ignore
  },
  {
    full: true,
    name: "second line: with both keys stolen nothing of etcd/, inventory/ and second/ is deleted or overwritten in any way, no setting changed and no other bucket read",
    async run() {
      const { id, buckets } = cloudflareStore(join(STATE, "clouds")).read();
      const bucket = bucketPath().split("/").findLast(Boolean) ?? "";
      const others = buckets.map(({ name }) => name).filter((name) => name !== bucket);
      assert.ok(others.length > 0, "there is another bucket: OpenTofu's state");
      const before = contents("second");
      const seen = await onMaster<{
        locked: Record<string, { objects: number; tries: number; wrong: unknown[] }>;
        settings: Record<string, string>;
        free: Record<string, string[]>;
      }>({
        others,
        api: `https://api.cloudflare.com/client/v4/accounts/${id}/r2/buckets/${bucket}`,
        prefixes: ["etcd/", "inventory/", "second/"],
        plant: `inventory/planted-${Date.now()}`,
        work: ["locked", "settings", "free"],
      });

      assert.equal(Object.keys(seen.locked).length, 6);
      for (const [name, { objects, tries, wrong }] of Object.entries(seen.locked)) {
        assert.ok(objects > 0 && tries === 2 * objects + 3, `${name}: ${objects} objects, ${tries} tries`);
        assert.deepEqual(wrong, [], name);
      }
      for (const [name, answer] of Object.entries(seen.settings))
        assert.match(answer, / api /.test(name) ? /^(400|401|403)$/ : /^AccessDenied$/, name);
      assert.equal(Object.keys(seen.settings).length, 2 * (4 + 3 * others.length));
      for (const answers of Object.values(seen.free)) assert.deepEqual(answers, Array(4).fill("done"));
      const after = contents("second");
      for (const [name, hash] of Object.entries(before)) assert.equal(after[name], hash, name);
    },
  },
  {
    name: "canaries: unpacked and decoded, nothing in R2 has a Secret, a volume's file or a key of the operator's; what is planted there is found",
    // Every byte of the bucket, unpacked.
    full: true,
    async run() {
      const envrc = readFileSync(join(cluster, ".envrc.local"), "utf8");
      const given = [...envrc.matchAll(/^export (?:ANSIBLE_VAULT_PASSWORD|\w+_SECRET|TF_VAR_\w+(?:token|key|passphrase))='([^']+)'/gm)]; // prettier-ignore
      const token = (await must(at(MASTER, "cat /etc/rancher/k3s/token"))).stdout.trim();
      const secrets = [CANARY, token, ...given.map(([, value]) => value ?? "")].filter((one) => one.length > 8); // prettier-ignore
      const planted = `${CANARY.slice(0, 6)}-in-the-open`;
      await k(`create configmap open --namespace ${APP} --from-literal=seen=${planted}`);
      const { name, backup } = JSON.parse((await must(infra(["backup", "create", "--name", "canary", "--json"]))).stdout) as BackupCreate; // prettier-ignore
      const generation = await copied(backup);
      // Where a ConfigMap is to be seen, a Secret would be, too: in etcd's database in its archive, and in Velero's in both lines.
      const seen = [
        foundIn(readFileSync(bucketPath("etcd", name)), [planted]) ?? "",
        ...["velero", `second/${generation}/velero`].map((place) =>
          canariesBelow(bucketPath(place, "backups", backup), [planted]).join("\n"),
        ),
      ];

      assert.ok(secrets.length > 5);
      assert.match(seen[0] ?? "", /^zip, plain$/);
      for (const one of seen.slice(1)) assert.match(one, /\.tar\.gz: gzip, (tar, )?plain/);
      assert.deepEqual(canariesBelow(bucketPath(".."), secrets), []);
      await k(`delete configmap open --namespace ${APP}`);
    },
  },
  {
    name: "second line: after Velero's folder was emptied with the stolen key, a lost volume comes back from it",
    full: true,
    async run() {
      const kept = join(work, "velero-kept");
      rmSync(kept, { recursive: true, force: true });
      // With the attributes, where the S3 server keeps what belongs to an object.
      await must(command(["cp", "-a", bucketPath("velero"), kept]));
      try {
        const { emptied } = await onMaster<{ emptied: number }>({ work: ["emptied"] });
        await scale(0);
        await k(`delete namespace ${APP} --wait=true --timeout=180s`);
        await change(`{"accessMode":"ReadOnly","backupSyncPeriod":"0s"}`);
        await k("delete backups.velero.io --all --namespace velero --wait=true --timeout=120s");
        const prefix = `second/${state.generation}/velero`;
        const location = JSON.parse(await k("get backupstoragelocation default --namespace velero -o json")) as { spec: Record<string, unknown> }; // prettier-ignore
        const { bucket } = location.spec["objectStorage"] as { bucket: string };
        const second = { ...location.spec, default: false, accessMode: "ReadOnly", backupSyncPeriod: "1m", objectStorage: { bucket, prefix } }; // prettier-ignore
        const object = { apiVersion: "velero.io/v1", kind: "BackupStorageLocation", metadata: { name: "second", namespace: "velero" }, spec: second }; // prettier-ignore
        const encoded = Buffer.from(JSON.stringify(object)).toString("base64");
        await must(at(MASTER, `echo ${encoded} | base64 -d | k3s kubectl apply -f -`));
        await eventually("the backup of the second line", () => k(`get backups.velero.io ${state.backup} --namespace velero --ignore-not-found -o 'jsonpath={.spec.storageLocation} {.status.phase}'`), (text) => text.trim() === "second Completed", 300); // prettier-ignore
        await velero(`restore create second-back --from-backup ${state.backup} --include-namespaces ${APP} --wait`); // prettier-ignore
        const phase = await k(
          "get restores.velero.io second-back --namespace velero -o 'jsonpath={.status}'",
        );
        await k(`wait deployment/${APP} --namespace ${APP} --for=condition=Available --timeout=180s`);

        assert.equal(emptied, 0);
        assert.match(phase, /"phase":"Completed"/);
        const there = await inApp("cd /data && find . -path ./.velero -prune -o -type f -print | sort | xargs sha256sum"); // prettier-ignore
        assert.equal(there, state.files);
      } finally {
        await velero("backup-location delete second --confirm").catch(() => "");
        await change(`{"accessMode":"ReadWrite","backupSyncPeriod":null}`);
        if (existsSync(kept)) {
          rmSync(bucketPath("velero"), { recursive: true, force: true });
          await must(command(["cp", "-a", kept, bucketPath("velero")]));
        }
        await scale(1);
      }
      await settled(APP);
      await eventually("the first line's backups", () => k(`get backups.velero.io ${state.backup} --namespace velero --ignore-not-found -o 'jsonpath={.spec.storageLocation}'`), (text) => text.trim() === "default", 300); // prettier-ignore
    },
  },
  {
    full: true,
    name: "second line: its app goes",
    async run() {
      rmSync(join(cluster, "kubernetes/apps", APP), { recursive: true });
      await commitAndPush("Remove the app whose volume is saved twice");
      await eventually("the end of the app", () => k(`get application ${APP} --namespace argocd --ignore-not-found -o name`), (text) => text.trim() === ""); // prettier-ignore
      await k(`delete namespace ${APP} --ignore-not-found --wait=true --timeout=180s`);
    },
  },
];
