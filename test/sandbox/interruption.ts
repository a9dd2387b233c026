import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { existsSync, globSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import {
  canonicalState as canonicalObject,
  type KubernetesObject,
} from "../../src/backup-inventory/canonical.ts";
import type { Case } from "./harness.ts";
import { status } from "./main-job.ts";
import { at, cluster, done, infra, infraCommand, killed, must, work } from "./place.ts";

const HOSTS = ["hetzner-1", "vultr-1", "aws-1"] as const;
const LOCK = join(cluster, ".infra-k3s/lock");
const STAGES = ["servers", "dns", "base", "mesh", "k3s", "verify"];

/** Something for every stage that works on hosts to mend; an unbroken `up` brings back exactly what was there. */
async function damage(): Promise<void> {
  await must(at("vultr-1", "rm /etc/sysctl.d/90-infra-k3s.conf"));
  await must(at("aws-1", "systemctl stop tailscaled"));
  await must(at("hetzner-1", "echo 'debug: true' >>/etc/rancher/k3s/config.yaml"));
}

const UP = ["up", "--until", "verify", "--json"];

/** Waits for the moment that a stage begins. */
const begin = (stage: string) => async (stdout: Readable) => {
  for await (const line of createInterface(stdout)) {
    const event = JSON.parse(line) as { event: string; stage?: string; state?: string };
    if (event.stage === stage && event.state === "start") return;
  }
};

/** What must be the same after a broken run that was run again as after an unbroken one. */
interface State {
  objects: Record<string, string>;
  hosts: Record<string, string>;
  rendered: Record<string, string>;
  /** What OpenTofu would still change. */
  planned: unknown;
}

/**
 * The cluster's objects in the form a backup compares (those that a controller makes of others left out, and statuses), the
 * hosts' files and the rendered files by hash, and OpenTofu's plan. Its state is encrypted anew at every write: that a plan on
 * it is empty, and servers.json among the files, say what it knows.
 */
async function canonicalState(): Promise<State> {
  const all =
    "k3s kubectl get --all-namespaces --output=json $(k3s kubectl api-resources --verbs=list --output=name | grep -v metrics.k8s.io | paste -sd,)";
  const { items } = JSON.parse((await must(at("hetzner-1", all))).stdout) as { items: KubernetesObject[] };
  const objects = items.flatMap((object) => {
    const { kind, metadata } = object;
    if (metadata.ownerReferences?.some(({ controller }) => controller === true) === true) return [];
    const state = canonicalObject(object);
    if (state === undefined) return [];
    const { status: _, ...rest } = state;
    return [[`${kind} ${metadata.namespace ?? ""}/${metadata.name}`, hash(JSON.stringify(rest))] as const];
  });
  const files =
    "find /etc/rancher /etc/systemd/system /etc/ssh /etc/sysctl.d /etc/apt /usr/local/bin /etc/infra-k3s* -type f -exec sha256sum {} +";
  const hosts = await Promise.all(
    HOSTS.map(async (host) => {
      const lines = (await must(at(host, files))).stdout.trim().split("\n");
      return lines.map((line) => [`${host} ${line.slice(66)}`, line.slice(0, 64)] as const);
    }),
  );
  const rendered = globSync(["**/*", ".envrc", ".gitignore", ".sops.yaml"], { cwd: cluster })
    .filter((path) => !/(^|\/)(\.terraform|\.infra-k3s|\.git)(\/|$)/.test(path))
    .filter((path) => statSync(join(cluster, path)).isFile())
    .map((path) => [path, hash(readFileSync(join(cluster, path)))] as const);
  const plan = JSON.parse((await infra(["plan", "--until", "dns", "--json"])).stdout) as { changes: unknown };
  return {
    objects: Object.fromEntries(objects),
    hosts: Object.fromEntries(hosts.flat()),
    rendered: Object.fromEntries(rendered),
    planned: plan.changes,
  };
}

const hash = (content: string | Buffer) => createHash("sha256").update(content).digest("hex");

/** The same numbers on every run: mulberry32. */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Kills an `up` that has something to do, runs it again, and compares. */
async function survives(
  unbroken: State,
  moment: (stdout: Readable) => Promise<void>,
  name: string,
  alone: boolean,
) {
  await damage();
  await killed(UP, moment, [], alone);
  const again = await must(infra(UP));
  assert.equal(done(again).ok, true, name);
  assert.deepEqual(await canonicalState(), unbroken, name);
  assert.equal(existsSync(LOCK), false, name);
}

export const interruption: readonly Case[] = [
  {
    name: "two up at once: the second names the holder and does nothing; Ctrl-C ends the first in good order, with 130 and a free lock, and up goes on",
    async run() {
      await damage();
      const { argv, env } = infraCommand(UP);
      const [file = "", ...args] = argv;
      const up = spawn(file, args, { env, cwd: work, stdio: ["ignore", "pipe", "pipe"] });
      let said = "";
      up.stderr.on("data", (chunk: Buffer) => (said += chunk.toString()));
      const ended = once(up, "close") as Promise<[number | null]>;
      await begin("base")(up.stdout);
      up.stdout.resume();
      const second = await infra(["up"]);
      const third = await infra(["node", "remove", "aws-1", "--yes"]);
      up.kill("SIGINT");
      const [code] = await ended;
      // The signal is the launcher's: what it starts takes its place, so there is one process to tell.
      const left = await at("operator", "pgrep -fa '[a]nsible-playbook.*inventory' || true");
      const again = await must(infra(["up", "--until", "verify", "--json"]));

      for (const other of [second, third]) {
        assert.equal(other.exitCode, 1, other.all);
        assert.match(other.stderr, new RegExp(`another command is changing this cluster: up \\(process ${up.pid}, since \\d{4}-`)); // prettier-ignore
      }
      assert.equal(code, 130, said);
      assert.match(said, /asked to end in good order/);
      assert.match(
        said,
        /interrupted by SIGINT; done: servers, dns; stopped in: base; not begun: mesh, k3s, verify/,
      );
      assert.match(said, /to go on, run the same again: infra-k3s up --until verify --json/);
      assert.equal(left.stdout, "", "no program of it runs on");
      assert.equal(done(again).ok, true);
      assert.ok((await status()).nodes.every((node) => node["ready"]));
    },
  },
  {
    full: true,
    name: "SIGKILL at every stage boundary and at random moments, then up: everything is as after an unbroken run",
    async run() {
      await damage();
      const start = performance.now();
      await must(infra(UP));
      const seconds = (performance.now() - start) / 1000;
      const unbroken = await canonicalState();
      assert.deepEqual(unbroken.planned, []);
      assert.ok(Object.keys(unbroken.objects).length > 50 && Object.keys(unbroken.hosts).length > 30);
      // It sees what it is to see.
      await must(at("vultr-1", "echo >>/etc/sysctl.d/90-infra-k3s.conf"));
      assert.notDeepEqual((await canonicalState()).hosts, unbroken.hosts);
      await must(infra(UP));
      assert.deepEqual(await canonicalState(), unbroken);

      for (const stage of STAGES) await survives(unbroken, begin(stage), `killed as ${stage} begins`, false);
      const seed = Number(process.env["INTERRUPTION_SEED"] ?? 20_261_127);
      const random = numbers(seed);
      for (let round = 0; round < 6; round++) {
        const moment = random() * seconds;
        const name = `killed after ${moment.toFixed(1)} s of ${seconds.toFixed(1)}, seed ${seed}`;
        // Every other time what it runs goes on without it, into the next one.
        await survives(unbroken, () => sleep(moment * 1000), name, round % 2 === 1);
      }
    },
  },
];
