import assert from "node:assert/strict";
import { cpSync, existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { command, type Case } from "./harness.ts";
import { at, clone, cluster, done, infra, must, withFile, work } from "./place.ts";

const VAULT = join(cluster, "ansible/inventory/group_vars/all/vault.yml");
const ENVRC = join(cluster, ".envrc.local");
const LOCK = join(cluster, ".infra-k3s/lock");

const up = (env: Record<string, string> = {}, prefix: readonly string[] = []) =>
  infra(["up", "--until", "verify", "--json"], { env, prefix });

/** The prefix that runs something with another file system in a place, which it alone sees. */
const mounted = (mount: string) => ["unshare", "--mount", "--propagation", "private", "sh", "-c", `${mount} && exec "$@"`, "sh"]; // prettier-ignore

/** Nothing was begun, nothing is left locked, and the next run finds nothing to do. */
async function endsWell(failed: { all: string }, stage = "▸ servers"): Promise<void> {
  assert.doesNotMatch(failed.all, new RegExp(stage));
  assert.equal(existsSync(LOCK), false);
  const next = await must(up());
  assert.deepEqual([done(next).ok, done(next).changed], [true, 0]);
}

/** What the operator's machine, the repository and the hosts can have wrong; each is told before anything is changed. */
export const frontFaults: readonly Case[] = [
  {
    full: true,
    name: "a wrong vault password, and a vault edited by hand: which file, why, and where to take it from",
    async run() {
      const wrong = await up({ ANSIBLE_VAULT_PASSWORD: "wrong" });
      const edit = () => writeFileSync(VAULT, readFileSync(VAULT, "utf8").replace(/\n\d/, "\nx"));
      const edited = await withFile(VAULT, edit, () => up());

      for (const { exitCode } of [wrong, edited]) assert.equal(exitCode, 1);
      assert.match(wrong.stderr, /vault\.yml does not open with the ANSIBLE_VAULT_PASSWORD\s+why: [\s\S]*fix: take the password/); // prettier-ignore
      assert.match(edited.stderr, /vault\.yml is damaged\s+why: [\s\S]*edited by hand[\s\S]*fix: restore it from git/); // prettier-ignore
      assert.doesNotMatch(wrong.all, /▸ servers/);
      await endsWell(edited);
    },
  },
  {
    full: true,
    name: "a read-only repository, and one on a full disk: what, where and what to do",
    async run() {
      const readOnly = await up({}, mounted(`mount --bind '${cluster}' '${cluster}' && mount -o remount,ro,bind '${cluster}'`)); // prettier-ignore
      const own = join(cluster, ".infra-k3s");
      const full = await up({}, mounted(`mount -t tmpfs -o size=64k tmpfs '${own}' && { head -c 1M /dev/zero >'${own}/fill' 2>/dev/null || true; }`)); // prettier-ignore

      for (const { exitCode, all } of [readOnly, full]) assert.equal(exitCode, 1, all);
      assert.match(
        readOnly.stderr,
        /was refused\s+why: it lies on a file system that is mounted read-only\s+fix: /,
      );
      assert.match(full.stderr, /why: no space is left there\s+fix: make room and run this again/);
      assert.doesNotMatch(readOnly.all + full.all, /this is a bug/);
      await endsWell(readOnly);
    },
  },
  {
    full: true,
    name: "a repository whose path has spaces, quotes and letters of other scripts: up finds all as declared",
    async run() {
      const odd = join(work, "Mein Clüster, it's 集群");
      cpSync(cluster, odd, { recursive: true, verbatimSymlinks: true });
      const run = await infra(["sandbox", "exec", "operator", "--", join(clone, "infra-k3s"), "up", "--cluster", odd, "--until", "verify", "--json"]); // prettier-ignore
      rmSync(odd, { recursive: true });

      assert.equal(run.exitCode, 0, run.all);
      assert.deepEqual([done(run).ok, done(run).changed], [true, 0]);
    },
  },
  {
    full: true,
    name: "an agent with too many keys: it says so, and what to set",
    async run() {
      const keys = Array.from({ length: 6 }, (_, i) => join(work, `agent-key-${i}`));
      for (const key of keys) await must(command(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key]));
      const agent = ["ssh-agent", "sh", "-c", `ssh-add -q ${keys.join(" ")} && exec "$@"`, "sh"];
      const unset = () =>
        writeFileSync(ENVRC, readFileSync(ENVRC, "utf8").replace(/^.*INFRA_K3S_SSH_KEY.*\n/m, ""));
      const crowded = await withFile(ENVRC, unset, () => up({}, agent));
      for (const key of keys) for (const file of [key, `${key}.pub`]) rmSync(file);

      assert.equal(crowded.exitCode, 1, crowded.all);
      assert.match(crowded.stderr, /why: the agent offers too many keys\s+fix: set INFRA_K3S_SSH_KEY/);
      await endsWell(crowded, "▸ base");
    },
  },
  {
    full: true,
    name: "a host that can't be a node: its system, its memory and its clock are told before anything is changed on it",
    async run() {
      const program = "/usr/local/bin/date";
      await must(at("vultr-1", `cp -L /etc/os-release /root/os-release && rm /etc/os-release && printf 'ID=fedora\\nPRETTY_NAME="Fedora 43"\\n' >/etc/os-release`)); // prettier-ignore
      await must(at("aws-1", `printf '#!/bin/sh\\necho $(($(/bin/date +%%s) + 3600))\\n' >${program} && chmod 755 ${program} && echo 'MemTotal: 300000 kB' >/root/meminfo && mount --bind /root/meminfo /proc/meminfo`)); // prettier-ignore
      const unfit = await infra(["up", "--only", "base", "--json"]);
      await must(at("vultr-1", "rm /etc/os-release && ln -s ../usr/lib/os-release /etc/os-release && rm /root/os-release")); // prettier-ignore
      await must(at("aws-1", `umount /proc/meminfo && rm ${program} /root/meminfo`));

      assert.equal(unfit.exitCode, 1, unfit.all);
      assert.match(unfit.stderr, /vultr-1: [^\n]*Go on only where it can: failed\s+it runs Fedora 43, not Debian\s+why: [\s\S]*?fix: reinstall it/); // prettier-ignore
      assert.match(unfit.stderr, /it has 292 MiB of memory\s+why: as agent K3s needs 450 MiB\s+fix: take a larger size/); // prettier-ignore
      assert.match(
        unfit.stderr,
        /its clock is 36\d\d s away from yours\s+why: [^\n]*\s+fix: set the wrong one/,
      );
      assert.deepEqual(done(unfit).changed, 0);
      await endsWell(unfit, "▸ mesh");
    },
  },
];
