import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import type { Case } from "./harness.ts";
import { status } from "./main-job.ts";
import { numberOf } from "./outside.ts";
import { at, infra, must, readPlan } from "./place.ts";
import { ipv4 } from "../../sandbox/network/plan.ts";

const link = (...args: string[]) => must(infra(["sandbox", "link", ...args]));

/** Milliseconds of the quickest of some TCP handshakes. */
async function roundTrip(from: string, address: string): Promise<number> {
  const script = `
import socket, time
best = 9e9
for _ in range(7):
    start = time.monotonic()
    socket.create_connection(("${address}", 22), timeout=5).close()
    best = min(best, time.monotonic() - start)
print(best * 1000)`;
  return Number((await must(at(from, `python3 -c '${script}'`))).stdout);
}

/** How many of some datagrams from one place arrive at another. */
async function arriving(
  from: "operator" | "internet",
  to: "operator" | "internet",
  count: number,
): Promise<number> {
  const address = ipv4(readPlan(), to, 10);
  const receive = `
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(("${address}", 9999)); s.settimeout(2); n = 0
try:
    while n < ${count}: s.recv(100); n += 1
except TimeoutError: pass
print(n)`;
  const send = `
import socket, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for _ in range(${count}): s.sendto(b"x", ("${address}", 9999)); time.sleep(0.002)`;
  const received = at(to, `exec python3 -c '${receive}'`);
  await sleep(700);
  await must(at(from, `python3 -c '${send}'`));
  return Number((await must(received)).stdout);
}

async function pathTo(
  name: string,
  path: string,
): Promise<Record<string, string | number | boolean> | undefined> {
  for (let tries = 0; tries < 20; tries++) {
    const node = (await status()).nodes.find((one) => one["name"] === name);
    if (node?.["path"] === path) return node;
  }
  return undefined;
}

/** Distance, loss and partitions between the sandbox's clouds. */
export const links: readonly Case[] = [
  {
    name: "Vultr is 12 ms from Hetzner and AWS 25 ms, and status tells the mesh's round trips",
    async run() {
      const vultr = await roundTrip("hetzner-1", ipv4(readPlan(), "vultr", numberOf("vultr-1")));
      const aws = await roundTrip("hetzner-1", ipv4(readPlan(), "aws", numberOf("aws-1")));
      const { nodes } = await status();

      assert.ok(vultr >= 12 && aws >= 25, `${vultr} ms, ${aws} ms`);
      assert.ok(aws / vultr > 1.4 && aws / vultr < 3, `${vultr} ms, ${aws} ms`);
      for (const node of nodes.filter(({ role }) => role === "worker")) {
        assert.ok(Number(node["rttMs"]) >= (node["provider"] === "aws" ? 25 : 12), JSON.stringify(node));
      }
    },
  },
  {
    name: "sandbox link changes delay and loss, one way or both, and takes them back",
    async run() {
      await link("operator", "internet", "--down", "--one-way");
      const there = await arriving("operator", "internet", 50);
      const back = await arriving("internet", "operator", 50);
      await link("operator", "internet", "--up");
      await link("operator", "internet", "--loss", "50");
      const half = await arriving("operator", "internet", 400);
      await link("hetzner", "vultr", "--delay", "40");
      const far = await roundTrip("hetzner-1", ipv4(readPlan(), "vultr", numberOf("vultr-1")));
      const { links: shown } = JSON.parse((await link("--json")).stdout) as {
        links: Record<string, unknown>[];
      };
      await link("--reset");
      const near = await roundTrip("hetzner-1", ipv4(readPlan(), "vultr", numberOf("vultr-1")));
      const wrong = await infra(["sandbox", "link", "hetzner", "moon", "--down"]);

      assert.deepEqual([there, back], [0, 50]);
      assert.ok(half > 120 && half < 280, `${half} of 400 arrived`);
      assert.ok(far >= 80 && far / near > 3, `${far} ms, then ${near} ms`);
      assert.ok(
        shown.some(({ from, to, delayMs }) => from === "vultr" && to === "hetzner" && delayMs === 40),
      );
      assert.equal(wrong.exitCode, 64);
      assert.match(wrong.stderr, /there is no "moon" to link\s+fix: ends: hetzner, vultr, aws,/);
    },
  },
  {
    name: "a path over the relay is shown as such, and is direct again when UDP goes through",
    async run() {
      await link("hetzner-1", "vultr-1", "--udp-down");
      const relayed = await pathTo("vultr-1", "relay");
      await link("--reset");
      const direct = await pathTo("vultr-1", "direct");

      assert.equal(relayed?.["ready"], true);
      assert.equal(direct?.["ready"], true);
    },
  },
];
