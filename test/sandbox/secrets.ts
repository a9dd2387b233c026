import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { globSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { processesIn } from "../../sandbox/lifecycle/processes.ts";
import { hostCgroup } from "../../sandbox/hosts/server.ts";
import { Headscale } from "../../sandbox/services/headscale.ts";
import { etcdKey } from "./backup.ts";
import { command, type Case } from "./harness.ts";
import { status } from "./main-job.ts";
import { at, caches, cluster, done, infra, killed, must, readPlan, work } from "./place.ts";

const HOSTS = ["hetzner-1", "vultr-1", "aws-1"] as const;
const STRACE = ["strace", "--follow-forks", "--trace=execve", "--string-limit=65536", "--quiet=all"] as const; // prettier-ignore
const PLANTED = "planted-canary-5f1e";

function isSshd(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").startsWith("sshd:");
  } catch {
    return false; // It has ended since.
  }
}

/** What a command, started by way of strace, and the hosts' sshd meanwhile execute: arguments and environments of every execve. */
async function traced<T>(
  run: (prefix: readonly string[]) => Promise<T>,
): Promise<{ outcome: T; executed: string }> {
  const files = HOSTS.map((host) => join(work, `execve-${host}`));
  const tracers = HOSTS.map((host, index) => {
    // Every one: what Ansible keeps open from before would go on unseen.
    const pids = processesIn(hostCgroup(readPlan(), host)).filter((pid) => isSshd(pid));
    const attach = pids.map((pid) => `--attach=${pid}`);
    return spawn(STRACE[0], [...STRACE.slice(1), `--output=${files[index] ?? ""}`, ...attach], {
      stdio: "ignore",
    });
  });
  const own = join(work, "execve-cli");
  try {
    const outcome = await run([...STRACE, `--output=${own}`]);
    return { outcome, executed: [own, ...files].map((file) => readFileSync(file, "utf8")).join("") };
  } finally {
    for (const tracer of tracers) tracer.kill("SIGTERM");
  }
}

/** What must not be seen: what the operator was given, and what was generated. */
async function secrets(): Promise<readonly string[]> {
  const envrc = readFileSync(join(cluster, ".envrc.local"), "utf8");
  const given = [
    ...envrc.matchAll(
      /^export (?:ANSIBLE_VAULT_PASSWORD|\w+_SECRET|TF_VAR_\w+(?:token|key|passphrase))='([^']+)'/gm,
    ),
  ].map(([, value]) => value ?? "");
  const token = (await must(at("hetzner-1", "cat /etc/rancher/k3s/token"))).stdout.trim();
  assert.equal(given.length, 8);
  const program = globSync(join(caches, "infra-k3s/artifacts/headscale-*/headscale"))[0] ?? "";
  const keys = await new Headscale(program, join(cluster, "..")).keys();
  assert.ok(keys.length >= HOSTS.length, "a join key was minted for each host");
  return [...given, token, ...keys, etcdKey().secret, "tskey-api-"];
}

const found = (text: string, all: readonly string[]): string[] =>
  all.filter((secret) => text.includes(secret));

/** How often the journal has it, and the files that anyone may read. */
export const look = (host: string, secret: string) =>
  at(
    host,
    `journalctl --no-pager | grep -cF '${secret}'; find /tmp /var/tmp /etc /opt /run /home /var/log -xdev -type f -perm -o+r -exec grep -lF '${secret}' {} + 2>/dev/null`,
  );

/** What the CLI has logged, all journals, temporary files and files that anyone may read; and a planted one is seen. */
async function assertNowhere(all: readonly string[], said: string): Promise<void> {
  const logs = readdirSync(join(cluster, ".infra-k3s/logs")).map((file) =>
    readFileSync(join(cluster, ".infra-k3s/logs", file), "utf8"),
  );
  await must(at("aws-1", `echo ${PLANTED} >/tmp/planted; logger ${PLANTED}`));

  assert.deepEqual(found(said + logs.join(""), all), [], "in what it says and logs");
  for (const host of HOSTS) {
    for (const secret of all)
      assert.equal((await look(host, secret)).stdout.trim(), "0", `${secret.slice(0, 12)}… on ${host}`);
  }
  assert.match((await look("aws-1", PLANTED)).stdout, /^[1-9]\d*\n\/tmp\/planted/);
  await at("aws-1", "rm /tmp/planted");
}

/** Secrets stay where they belong from bare hosts to Ready nodes, also where `up` is killed on the way. */
export const secretHygiene: readonly Case[] = [
  {
    name: "no secret in any log, journal, temporary or readable file; a planted one is found",
    run: async () => assertNowhere(await secrets(), ""),
  },
  {
    full: true,
    name: "destroy, up killed twice, up: three Ready nodes; no secret in any argument, log, journal, temporary or readable file; a planted one is found",
    async run() {
      await must(command(["sh", "-c", "command -v strace || apt-get install --yes --quiet strace"]));
      const refused = await infra(["destroy"]);
      const destroyed = await must(infra(["destroy", "--yes", "--json"]));
      // Then their sshd can be traced.
      const begun = await must(infra(["up", "--until", "dns", "--json"]));
      const parts = [
        await traced((prefix) => killed(["up"], () => sleep(18_000), prefix)),
        await traced((prefix) => killed(["up"], () => sleep(45_000), prefix)),
      ];
      const { outcome: up, executed: rest } = await traced((prefix) =>
        must(infra(["up", "--json"], { prefix })),
      );
      const executed = [...parts.map((part) => part.executed), rest].join("");
      const all = await secrets();
      const planted = await traced((prefix) => must(infra(["ssh", "aws-1", `true ${PLANTED}`], { prefix })));

      assert.equal(refused.exitCode, 64);
      assert.equal(done(destroyed).ok, true);
      assert.deepEqual(
        done(begun).stages.map(({ name }) => name),
        ["servers", "dns"],
      );
      assert.equal(done(up).ok, true);
      assert.ok((await status()).nodes.every((node) => node["ready"]));
      const count = executed.match(/execve\(/g)?.length ?? 0;
      assert.ok(count > 300, `the traces are of the whole up: ${count} programs`);
      for (const part of ["ansible-playbook", "/usr/bin/ssh", "tailscale", "systemctl"])
        assert.ok(executed.includes(part), part);
      assert.deepEqual(found(executed, all), [], "in arguments");
      assert.deepEqual(found(planted.executed, [PLANTED]), [PLANTED]);
      await assertNowhere(all, up.all);
      assert.equal(done(await must(infra(["up", "--json"]))).changed, 0);
    },
  },
];
