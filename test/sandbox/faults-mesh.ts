import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { processesIn } from "../../sandbox/lifecycle/processes.ts";
import { prefix } from "../../sandbox/network/plan.ts";
import { type Case, eventually } from "./harness.ts";
import { status } from "./main-job.ts";
import { at, cluster, done, infra, must, readPlan, withFile } from "./place.ts";
import { bootId } from "./restarts.ts";

const CONFIG = join(cluster, "cluster.yaml");
const WORKER = "aws-1";

const unready = async () =>
  (await status()).nodes.filter((node) => node["ready"] !== true).map(({ name }) => name);

/** While the control server, and its relay, take connections and answer nothing. */
async function withoutControl(use: () => Promise<void>): Promise<void> {
  const pids = processesIn(`${prefix(readPlan())}/headscale`);
  assert.ok(pids.length > 0, "headscale runs");
  for (const pid of pids) process.kill(pid, "SIGSTOP");
  try {
    await use();
  } finally {
    for (const pid of pids) process.kill(pid, "SIGCONT");
  }
}

async function assertEndsWell(): Promise<void> {
  const next = await must(infra(["up", "--until", "verify", "--json"]));
  assert.equal(done(next).ok, true);
  assert.deepEqual(await unready(), []);
}

/** What the tailnet can have wrong. */
export const meshFaults: readonly Case[] = [
  {
    full: true,
    name: "a tailnet policy without the tag: Tailscale's words and what to change; the next run joins, and ends well",
    async run() {
      await must(at(WORKER, "tailscale logout"));
      const retag = () =>
        writeFileSync(CONFIG, readFileSync(CONFIG, "utf8").replace(/^  tag: .*$/m, "  tag: tag:nobodys"));
      const refused = await withFile(CONFIG, retag, () => infra(["up", "--until", "mesh", "--json"]));

      assert.equal(refused.exitCode, 1, refused.all);
      assert.match(
        refused.stderr,
        /requested tags \[tag:nobodys\] are invalid or not permitted\s+fix: the OAuth client needs the scope auth_keys and must own tag:nobodys; the tailnet's policy must name it in tagOwners/,
      );
      await assertEndsWell();
    },
  },
  {
    full: true,
    name: "a control server that is down: who is in the mesh stays Ready, of who comes back it is told why; a worker that reboots meanwhile comes back by itself",
    async run() {
      const before = await bootId(WORKER);
      await withoutControl(async () => {
        await at(WORKER, "systemctl reboot");
        await eventually(`${WORKER} boots`, async () => !["", before].includes(await bootId(WORKER)));
        await eventually(`${WORKER} is missed`, async () => (await unready()).length > 0);
        const waits = await at(WORKER, "systemctl show k3s-agent --property=ActiveState,SubState");
        const refused = await infra(["up", "--until", "mesh", "--json"]);

        assert.deepEqual(await unready(), [WORKER], "the others don't notice");
        assert.match(waits.stdout, /ActiveState=activating/, "K3s waits for its address");
        assert.equal(refused.exitCode, 1, refused.all);
        assert.match(refused.stderr, /aws-1 is joined, but hears nothing from Tailscale's control server\s+why: tailscaled is still \w+ after 60 s\s+fix: check that the host reaches https:\/\/controlplane\.tailscale\.com/); // prettier-ignore
      });
      await eventually(`${WORKER} is back`, async () => (await unready()).length === 0);
      await assertEndsWell();
    },
  },
];
