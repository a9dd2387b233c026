import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { left, type Traces, traces } from "../../sandbox/lifecycle/leaks.ts";
import { ipv4, namespace, prefix } from "../../sandbox/network/plan.ts";
import { processesIn } from "../../sandbox/lifecycle/processes.ts";
import type { Case } from "./harness.ts";
import { status } from "./main-job.ts";
import { numberOf } from "./outside.ts";
import { at, infra, must, readPlan } from "./place.ts";

/** The sandbox touches nothing of the machine, and nothing of it stays. `before` was taken before it was made. */
export function isolation(before: Traces): readonly Case[] {
  return [
    {
      name: "the outer namespace has no way out",
      async run() {
        const routes = (await must(at("outer", "ip route; ip -6 route"))).stdout;
        const outside = await at("outer", "timeout 3 bash -c '</dev/tcp/198.51.100.77/443'");
        const links = (await must(at("outer", "ip -d -o link"))).stdout.split("\n");
        const peers = links
          .filter((line) => line.includes(" veth "))
          .map((line) => /link-netns (\S+)/.exec(line)?.[1]);

        assert.doesNotMatch(routes, /^default/m);
        assert.match(outside.all, /unreachable/i);
        assert.ok(peers.length >= 5);
        for (const peer of peers) assert.ok(peer?.startsWith(`${prefix(readPlan())}-`), peer ?? "no peer");
        assert.match(links.join("\n"), /\bhetzner\b/, "the look was into the right place");
      },
    },
    {
      name: "a host can't set the machine's clock",
      async run() {
        const entered = await at("vultr-1", "date -s 2001-01-01");
        const overSsh = await infra(["ssh", "vultr-1", "date -s 2001-01-01"]);

        assert.match(
          entered.all + overSsh.all,
          /cannot set date: Operation not permitted[\s\S]*cannot set date: Operation not permitted/,
        );
        assert.ok(new Date().getFullYear() > 2001);
      },
    },
    {
      name: "a host can't change what belongs to the machine's kernel",
      async run() {
        const kernel = "/proc/sys/kernel/threads-max";
        const machine = readFileSync(kernel, "utf8");
        const refused = await at("vultr-1", `echo 12345 >${kernel}`);
        const own = await at("vultr-1", "sysctl -w net.ipv4.ip_default_ttl=61");

        assert.notEqual(refused.exitCode, 0);
        assert.equal(readFileSync(kernel, "utf8"), machine);
        assert.equal(own.exitCode, 0, "what is the host's own can be set");
        assert.match(readFileSync("/proc/sys/net/ipv4/ip_default_ttl", "utf8"), /^(?!61$)/);
      },
    },
    {
      name: "every host's cgroups are its own, in every hierarchy",
      async run() {
        const own = `${prefix(readPlan())}/vultr-1`;
        const places = (await must(at("vultr-1", "cat /proc/1/cgroup"))).stdout.trim().split("\n");

        assert.ok(places.length >= 9, places.join("\n"));
        for (const place of places) assert.ok(place.split(":")[2]?.startsWith(`/${own}`), place);
      },
    },
    {
      name: "a second sandbox stands beside the first without touching it",
      async run() {
        await must(second("up", "--example", "one-node", "--bare"));
        const hostname = (await must(second("exec", "hetzner-1", "--", "hostname"))).stdout.trim();
        const plan = readPlan();
        const across = await second("exec", "internet", "--", "timeout", "3", "bash", "-c", `</dev/tcp/${ipv4(plan, "hetzner", numberOf("hetzner-1"))}/22`); // prettier-ignore
        const within = await at(
          "internet",
          `timeout 3 bash -c '</dev/tcp/${ipv4(plan, "hetzner", numberOf("hetzner-1"))}/22'`,
        );
        await must(second("down"));
        const first = await status();

        assert.equal(hostname, "hetzner-1");
        assert.notEqual(across.exitCode, 0);
        assert.equal(within.exitCode, 0, "the same look finds the host from its own internet");
        assert.ok(
          first.nodes.every((node) => node["ready"]),
          "the first is as it was",
        );
      },
    },
    {
      name: "sandbox down leaves nothing: processes, mounts, namespaces, cgroups, loop devices, listeners",
      async run() {
        const outer = namespace(readPlan(), "outer");
        const planted = spawn("ip", ["netns", "exec", namespace(readPlan(), "internet"), "sleep", "600"], {
          stdio: "ignore",
        });
        await sleep(300);
        const standing = left(before, await traces());
        await must(infra(["sandbox", "down"]));
        const after = left(before, await traces());

        for (const kind of ["processes: sleep", `namespaces: ${outer}`, "cgroups: "]) {
          assert.ok(
            standing.some((line) => line.startsWith(kind)),
            `the look finds what stands: ${kind}`,
          );
        }
        assert.deepEqual(after, []);
        assert.notEqual(
          planted.exitCode ?? planted.signalCode,
          null,
          "a process someone else started in it is ended too",
        );
      },
    },
    {
      name: "after a SIGKILL of everything, down leaves nothing, and up clears what is left and starts again",
      async run() {
        const bare = ["sandbox", "up", "--bare", "--example", "one-node"];
        await must(infra(bare));
        killAll(prefix(readPlan()));
        await must(infra(["sandbox", "down"]));
        const afterDown = left(before, await traces());
        await must(infra(bare));
        killAll(prefix(readPlan()));
        await must(infra(bare));
        const hostname = (await must(at("hetzner-1", "hostname"))).stdout.trim();
        await must(infra(["sandbox", "down"]));

        assert.deepEqual(afterDown, []);
        assert.equal(hostname, "hetzner-1");
        assert.deepEqual(left(before, await traces()), []);
      },
    },
  ];
}

/** The same command for another sandbox. */
const second = (verb: string, ...args: string[]) => infra(["sandbox", verb, "--name", "second", ...args]);

function killAll(cgroup: string): void {
  for (const pid of processesIn(cgroup)) {
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // It ended in between.
    }
  }
}
