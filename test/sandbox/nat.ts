import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ipv4, ipv6 } from "../../sandbox/network/plan.ts";
import { hostPlace } from "../../sandbox/network/create.ts";
import type { Case } from "./harness.ts";
import { status } from "./main-job.ts";
import { numberOf } from "./outside.ts";
import { at, cluster, infra, must, readPlan, withFile } from "./place.ts";

const NODE = "home-1";
const SERVERS = join(cluster, "servers.json");
type Servers = Record<string, Record<string, string>>;
const servers = () => JSON.parse(readFileSync(SERVERS, "utf8")) as Servers;
const write = (all: Servers) => writeFileSync(SERVERS, JSON.stringify(all, null, 2));

/** Whether port 22 of an address answers the operator. */
const answers = async (address: string) =>
  (await at("operator", `timeout 3 bash -c '</dev/tcp/${address}/22'`)).exitCode === 0;

/** What the person at the host does with the printed text: the key is typed, not an argument. */
const runThere = (command: string, key: string) =>
  at(NODE, `mkdir -p /root/join && cd /root/join\nexec 3<<'KEY'\n${key}\nKEY\n${command.trimEnd()} <&3`);

const node = async () => (await status()).nodes.find(({ name }) => name === NODE);

/** A host that nothing reaches from outside. */
export const behindNat: readonly Case[] = [
  {
    full: true,
    name: "a host behind a NAT joins by a printed command, with the locked Tailscale only, and is then reached over the mesh",
    async run() {
      const add = await infra(["node", "add", NODE, "--provider", "existing"]);
      await must(infra(["sandbox", "up", "--bare"]));
      const place = await hostPlace(readPlan(), NODE);
      assert.equal(place?.network, "existing");
      const reached = await Promise.all([
        answers(ipv4(readPlan(), "existing", place.number)),
        answers(ipv6(readPlan(), "existing", place.number)),
        answers(ipv4(readPlan(), "hetzner", numberOf("hetzner-1"))),
      ]);
      const whole = await infra(["up"]);
      const { command, key } = JSON.parse(
        (await must(infra(["node", "join-command", NODE, "--json"]))).stdout,
      ) as { command: string; key: string };
      const tampered = await runThere(command.replace(/ [0-9a-f]{64} /, ` ${"0".repeat(64)} `), key);
      const installed = (await at(NODE, "command -v tailscale")).exitCode === 0;
      const joined = await must(runThere(command, key));
      const again = await runThere(command, "");
      write({ ...servers(), ...(JSON.parse(`{${joined.stdout}}`) as Servers) });
      const up = await must(infra(["up", "--limit", NODE, "--json"]));
      const found = await node();

      assert.match(add.stderr, /home-1 has not joined yet\s+why: [\s\S]+node join-command home-1/);
      assert.deepEqual(reached, [false, false, true], "nothing gets in, and the same look finds the master");
      assert.equal(whole.exitCode, 1);
      assert.match(whole.stderr, /✔ k3s[\s\S]+home-1 has not joined yet/, "the others went on");
      assert.ok(!command.includes(key));
      assert.match(tampered.stderr, /is not what is locked/);
      assert.equal(installed, false);
      assert.equal(again.stdout, joined.stdout, "run again, it asks for no key");
      assert.doesNotMatch(up.stdout, /"task":"Write the unit","message":"[^"]*tailscaled/);
      assert.deepEqual(
        [found?.["ready"], found?.["path"], found?.["publicIp"], found?.["meshIp"]],
        [true, "direct", "", servers()[NODE]?.["meshIp"]],
      );
    },
  },
  {
    full: true,
    name: "over the mesh: ssh with the pinned key, kubelet from the API, stock up without changes, a relay where UDP is blocked",
    async run() {
      const kubelet = await must(infra(["kubectl", "get", "--raw", `/api/v1/nodes/${NODE}/proxy/healthz`]));
      const hostname = await must(infra(["ssh", NODE, "hostname"]));
      const swapped = await withFile(
        SERVERS,
        () =>
          write({
            ...servers(),
            [NODE]: { ...servers()[NODE], sshHostKey: servers()["vultr-1"]?.["sshHostKey"] ?? "" },
          }),
        () => infra(["ssh", NODE, "hostname"]),
      );
      const up = await must(infra(["up", "--limit", NODE, "--json"]));
      await must(infra(["sandbox", "link", NODE, "hetzner-1", "--udp-down"]));
      let relayed = await node();
      for (let tries = 0; tries < 20 && relayed?.["path"] !== "relay"; tries++) relayed = await node();
      const overRelay = await infra(["ssh", NODE, "hostname"]);
      await must(infra(["sandbox", "link", "--reset"]));

      assert.equal(kubelet.stdout, "ok");
      assert.equal(hostname.stdout.trim(), NODE);
      assert.match(swapped.stderr, /Host key verification failed/);
      assert.match(up.stdout, /"event":"done","ok":true,"changed":0/);
      assert.deepEqual([relayed?.["path"], relayed?.["ready"]], ["relay", true]);
      assert.ok(Number(relayed?.["rttMs"]) > 0);
      assert.equal(overRelay.stdout.trim(), NODE);
    },
  },
  {
    full: true,
    name: "node remove takes it out, and the host itself takes Tailscale off",
    async run() {
      await must(infra(["node", "remove", NODE, "--yes"]));
      const { [NODE]: gone, ...rest } = servers();
      write(rest);
      const left = await must(
        at(
          NODE,
          "for i in $(seq 30); do [ -e /var/lib/tailscale ] || break; sleep 1; done; ls /var/lib /usr/local/lib",
        ),
      );
      const after = await status();
      // The machine has few inotify instances, and a host takes many.
      await at(NODE, "systemctl poweroff");

      assert.equal(gone?.["publicIp"], "");
      assert.doesNotMatch(left.stdout, /tailscale/);
      assert.deepEqual(
        after.nodes.map((one) => [one["name"], one["ready"]]),
        [
          ["hetzner-1", true],
          ["vultr-1", true],
          ["aws-1", true],
        ],
      );
    },
  },
];
