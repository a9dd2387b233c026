import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { PERMISSION_GROUPS } from "../../sandbox/clouds/cloudflare/permissions.ts";
import type { Token } from "../../sandbox/clouds/cloudflare/state.ts";
import { sign } from "../../sandbox/clouds/sigv4.ts";
import { cloudflareStore } from "../../sandbox/clouds/cloudflare/api.ts";
import type { BackupCreate } from "../../src/commands/backup-create.ts";
import type { BackupList, BackupShow } from "../../src/commands/backup-list.ts";
import type { BackupVerify } from "../../src/commands/backup-verify.ts";
import { gitopsStatus, STATE } from "./gitops-place.ts";
import type { Case } from "./harness.ts";
import { at, infra, must, work } from "./place.ts";

const BUCKET = "three-clouds-backups";
const clouds = () => cloudflareStore(join(STATE, "clouds"));
const stored = (name: string) => join(STATE, "r2/buckets", BUCKET, "etcd", name);
const isEtcds = ({ name }: Token) => name === "infra-k3s three-clouds r2-etcd";

/** The key that lies on the master, as whoever has broken in there has it. */
export function etcdKey(): { id: string; secret: string } {
  const { id, value } = clouds().read().tokens.find(isEtcds) ?? { id: "", value: "" };
  return { id, secret: createHash("sha256").update(value).digest("hex") };
}

/** The key that Velero has, and where it fits. */
export function backupKey(): { endpoint: string; bucket: string; id: string; secret: string } {
  const account = clouds().read();
  const { id, value } = account.tokens.find(({ name }) => name === "infra-k3s three-clouds r2-backup") ?? { id: "", value: "" }; // prettier-ignore
  const secret = createHash("sha256").update(value).digest("hex");
  return { endpoint: `https://${account.id}.r2.cloudflarestorage.com`, bucket: BUCKET, id, secret };
}

/** One request with the master's key, from the operator's place, with no process of the product; its HTTP status last. */
async function s3(method: string, key: string, content?: Buffer): Promise<string> {
  const endpoint = `https://${clouds().read().id}.r2.cloudflarestorage.com`;
  const url = `/${BUCKET}/${key}`;
  const plain = { host: new URL(endpoint).host, "x-amz-content-sha256": "UNSIGNED-PAYLOAD" };
  const signed = sign({ method, url, headers: plain }, etcdKey(), "auto", new Date());
  const [headers, body] = [join(work, "s3-headers"), join(work, "s3-body")];
  writeFileSync(headers, Object.entries(signed).map(([name, value]) => `${name}: ${String(value)}\n`).join(""), { mode: 0o600 }); // prettier-ignore
  writeFileSync(body, content ?? "");
  const data = content === undefined ? "" : `--data-binary '@${body}' -H 'Content-Type: application/zip'`;
  const line = `curl -sS -w ' %{http_code}' -X ${method} -H '@${headers}' ${data} '${endpoint}${url}'`;
  const { stdout } = await must(at("operator", line));
  for (const file of [headers, body]) rmSync(file);
  return stdout.trim();
}

const json = async <T>(args: readonly string[]) => JSON.parse((await must(infra([...args, "--json"]))).stdout) as T; // prettier-ignore
/** Also of a run that fails, as it does where something is broken. */
async function verify(...args: readonly string[]): Promise<BackupVerify & { exitCode: number }> {
  const { stdout, exitCode, all } = await infra(["backup", "verify", ...args, "--json"]);
  assert.match(stdout, /^\{/, all);
  return { ...(JSON.parse(stdout) as BackupVerify), exitCode };
}

let saved: BackupCreate;

/** Snapshots of etcd in R2. */
export const backups: readonly Case[] = [
  {
    name: "backup create: a snapshot of etcd on the master and in R2, with the id of its token; list, show and status have it",
    async run() {
      saved = await json<BackupCreate>(["backup", "create", "--name", "before-test"]);
      const list = await json<BackupList>(["backup", "list"]);
      const shown = await json<BackupShow>(["backup", "show", saved.name]);
      const here = await must(
        at("hetzner-1", `stat --format=%s /var/lib/rancher/k3s/server/db/snapshots/${saved.name}`),
      );
      const token = (await must(at("hetzner-1", "cat /etc/rancher/k3s/token"))).stdout.trim();
      const { backups: told } = await gitopsStatus();
      const people = await must(infra(["backup", "list"]));

      assert.match(saved.name, /^before-test-\d{14}-hetzner-1-\d+\.zip$/);
      assert.deepEqual([saved.bytes, readFileSync(stored(saved.name)).length], Array(2).fill(Number(here.stdout))); // prettier-ignore
      assert.equal(saved.tokenId, createHash("sha256").update(token).digest("hex").slice(0, 12));
      assert.deepEqual([saved.node, saved.bucket], ["hetzner-1", BUCKET]);
      assert.match(saved.k3s ?? "", /^v1\.36\.3\+k3s1/);
      assert.equal(list.snapshots[0]?.name, saved.name, "newest first");
      assert.ok(Date.parse(shown.lockedUntil ?? "") > Date.now() + 6 * 86_400_000);
      assert.deepEqual([told.etcd?.ok, told.etcd?.newest?.name], [true, saved.name]);
      assert.match(people.stdout, new RegExp(`^${saved.name} .* [kM]B +hetzner-1 +v1`, "m"));
    },
  },
  {
    name: "the key of R2 is on the master for root alone; a second look with it changes nothing",
    async run() {
      const file = "/etc/rancher/k3s/config.yaml.d/infra-k3s-s3.yaml";
      const { stdout } = await must(at("hetzner-1", `stat --format='%a %U' ${file} && cat ${file}`));
      const plan = await infra(["plan", "--only", "k3s", "--json"]);
      const workers = await at("vultr-1", `ls ${file}`);

      assert.match(stdout, /^600 root\n/);
      assert.ok(stdout.includes(etcdKey().secret));
      assert.equal(plan.exitCode, 0, "without the key at hand it stays as it is");
      assert.notEqual(workers.exitCode, 0);
    },
  },
  {
    name: "backup verify: the newest is whole, with the hash that etcd wrote, and the vault has its token",
    async run() {
      const { exitCode, ok, good, checked, token } = await verify();

      assert.deepEqual([exitCode, ok, good?.name, checked.length], [0, true, saved.name, 1]);
      assert.match(JSON.stringify(checked[0]), /"sha256":"[0-9a-f]{64}"/);
      assert.deepEqual([token?.ok, token?.id], [true, saved.tokenId]);
    },
  },
  {
    name: "an empty, a truncated and a flipped snapshot are refused, and the one before is offered",
    async run() {
      const good = readFileSync(stored(saved.name));
      const flipped = Buffer.from(good);
      const middle = Math.floor(good.length / 2);
      flipped[middle] = (flipped[middle] ?? 0) ^ 0x10;
      const planted: [content: Buffer, reason: RegExp][] = [
        [Buffer.alloc(0), /empty/],
        [good.subarray(0, middle), /truncated/],
        [flipped, /damaged/],
      ];
      const names: string[] = [];
      for (const [index, [content, reason]] of planted.entries()) {
        // By their names newer than what there is.
        const name = `etcd-snapshot-hetzner-1-${Math.floor(Date.now() / 1000) + 1 + index}.zip`;
        names.unshift(name);
        assert.match(await s3("PUT", `etcd/${name}`, content), /200$/);
        const seen = await verify();

        assert.deepEqual([seen.exitCode, seen.ok, seen.name], [1, false, name]);
        assert.deepEqual(seen.checked.map((one) => one.name), [...names, saved.name]); // prettier-ignore
        const [newest] = seen.checked;
        assert.match(newest?.ok === false ? newest.reason : "taken for good", reason);
        assert.equal(seen.good?.name, saved.name);
      }
      assert.equal((await verify(saved.name)).exitCode, 0, "the good one by its name");
      assert.match(await s3("DELETE", `etcd/${names[0]}`), /ObjectLockedByBucketPolicy.* 403$/);
      await withoutLock(async () => {
        for (const name of names) assert.match(await s3("DELETE", `etcd/${name}`), /204$/);
      });
    },
  },
  {
    name: "with the master's key of R2 nobody deletes or overwrites a snapshot; what is not locked goes",
    async run() {
      const before = readFileSync(stored(saved.name));
      const refused = [
        await s3("DELETE", `etcd/${saved.name}`),
        await s3("PUT", `etcd/${saved.name}`, Buffer.from("ransom")),
      ];
      const free = [await s3("PUT", "free", Buffer.from("x")), await s3("PUT", "free", Buffer.from("y")), await s3("DELETE", "free")]; // prettier-ignore

      for (const answer of refused) assert.match(answer, /ObjectLockedByBucketPolicy.* 403$/);
      assert.deepEqual(free.map((answer) => answer.slice(-3)), ["200", "200", "204"]); // prettier-ignore
      assert.ok(readFileSync(stored(saved.name)).equals(before));
    },
  },
  {
    name: "a snapshot that K3s took and could not upload is told, with R2's words, although K3s says that all is well",
    async run() {
      const read = PERMISSION_GROUPS.find(({ name }) => name === "Workers R2 Storage Bucket Item Read");
      const before = clouds().read().tokens.find(isEtcds)?.policies;
      change((token) => {
        for (const policy of token.policies) policy.permission_groups = [{ id: read?.id ?? "" }];
      });
      const failed = await infra(["backup", "create", "--name", "not-there"]);
      change((token) => (token.policies = before ?? []));
      const list = await json<BackupList>(["backup", "list"]);

      assert.equal(failed.exitCode, 1);
      assert.match(
        failed.stderr,
        /not-there-\d+-hetzner-1-\d+\.zip is on the master, but not whole in the bucket/,
      );
      assert.match(failed.stderr, /why: .*Access Denied/);
      assert.ok(list.snapshots.every(({ name }) => !name.startsWith("not-there")));
      await must(
        at("hetzner-1", "k3s etcd-snapshot prune --name not-there --snapshot-retention 1 --s3=false"),
      );
    },
  },
];

function change(what: (token: Token) => void): void {
  clouds().change(({ tokens }) => {
    for (const token of tokens) if (isEtcds(token)) what(token);
  });
}

/** As one with the account's own password can. */
async function withoutLock(then: () => Promise<void>): Promise<void> {
  const lock = clouds().read().buckets.find(({ name }) => name === BUCKET)?.lock ?? []; // prettier-ignore
  const set = (rules: typeof lock) =>
    clouds().change(({ buckets }) => {
      for (const bucket of buckets) if (bucket.name === BUCKET) bucket.lock = rules;
    });
  set([]);
  try {
    await then();
  } finally {
    set(lock);
  }
}
