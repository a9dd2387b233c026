import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Case, Outcome } from "./harness.ts";
import { at, cluster, infra, must, withFile } from "./place.ts";
import { HOSTS, publicAddresses, scan, scanTcp, scanUdp, withoutVendors } from "./outside.ts";
import { assertClosed, BALANCED, everyHost, expose, HOST_PORT, intended, NODE_PORT } from "./exposed.ts";

/** A value of vultr-1's flannel.1. */
async function device(file: string): Promise<string> {
  return (await must(at("vultr-1", `cat /sys/class/net/flannel.1/${file}`))).stdout.trim();
}

/** How many packets vultr-1's flannel.1 receives while valid frames for it are sent from the internet. */
async function received(...addresses: string[]): Promise<number> {
  const before = Number(await device("statistics/rx_packets"));
  for (const address of addresses) await scan("vxlan", address, await device("address"), "5000");
  await sleep(500);
  return Number(await device("statistics/rx_packets")) - before;
}

/** SSH from the internet by somebody without a key: ssh says what it may try instead. */
function askForPassword(host: string): Promise<Outcome> {
  const options = [
    "StrictHostKeyChecking=no",
    "UserKnownHostsFile=/dev/null",
    "PubkeyAuthentication=no",
    "BatchMode=yes",
  ];
  return at(
    "internet",
    `ssh ${options.map((option) => `-o ${option}`).join(" ")} root@${publicAddresses(host)[0]} true`,
  );
}

/** The public side: what a stranger on the internet can reach. */
export const hardening: readonly Case[] = [
  {
    name: "hardening: from the internet only SSH answers, while a NodePort, a hostPort and a LoadBalancer exist",
    async run() {
      await expose();
      const mesh = (await must(at("vultr-1", "tailscale ip -4"))).stdout.trim();
      for (const port of [NODE_PORT, HOST_PORT])
        await must(at("hetzner-1", `timeout 5 bash -c '</dev/tcp/${mesh}/${port}'`));

      await assertClosed();
      await withoutVendors(assertClosed);
    },
  },
  {
    name: "hardening: a reload of the firewall cuts nothing that is open, and leaves the same ports closed",
    async run() {
      const session = infra(["ssh", "vultr-1", "sleep 4; echo still here"]);
      await sleep(1500);
      await everyHost("systemctl reload infra-k3s-firewall.service");

      assert.equal((await must(session)).stdout.trim(), "still here");
      await withoutVendors(assertClosed);
    },
  },
  {
    name: "hardening: the same scan finds what only the firewall holds back",
    async run() {
      const [address = ""] = publicAddresses("vultr-1");
      await must(at("vultr-1", "nft delete table inet infra_k3s"));
      const [tcp, udp] = await withoutVendors(async () => [
        await scanTcp([address]),
        await scanUdp(address, [NODE_PORT]),
      ]);
      const behindVultr = await scanTcp([address]);
      const verified = await infra(["up", "--only", "verify"]);
      await must(at("vultr-1", "systemctl restart infra-k3s-firewall.service"));

      for (const port of [22, NODE_PORT, HOST_PORT, BALANCED])
        assert.ok(tcp?.includes(`${address} ${port}`), `${port} is found: ${tcp?.join(", ")}`);
      assert.deepEqual(udp, [`${address} ${NODE_PORT}`]);
      assert.deepEqual(behindVultr, [`${address} 22`, `${address} 80`], "what Vultr's firewall lets through");
      assert.match(verified.all, /vultr-1: the loaded firewall is not what/);
      // A node of `ingress: true`.
      assert.deepEqual(await scanTcp([address]), [`${address} 22`, `${address} 80`]);
    },
  },
  {
    name: "hardening: a planted open port is found, IPv4 and IPv6; up names the firewall and puts it right",
    async run() {
      const addresses = publicAddresses("aws-1");
      const listener = "python3 -m http.server 23456 --bind :: --directory /usr/share/doc";
      await must(
        at(
          "aws-1",
          `systemd-run --quiet --unit=planted ${listener} && nft insert rule inet infra_k3s from_outside tcp dport 23456 accept`,
        ),
      );
      await sleep(1000);
      const found = await withoutVendors(() => scanTcp(addresses));
      const up = await must(infra(["up", "--only", "base", "--json"]));
      const after = await withoutVendors(() => scanTcp(addresses));
      await must(at("aws-1", "systemctl stop planted"));

      assert.deepEqual(found, addresses.flatMap((a) => [`${a} 22`, `${a} 23456`]).toSorted());
      assert.match(up.stdout, /"host":"aws-1","state":"changed","task":"[^"]*Put the firewall/);
      assert.deepEqual(after, addresses.map((a) => `${a} 22`).toSorted());
    },
  },
  {
    full: true,
    name: "hardening: `ingress: true` lets a hostPort 80 in, on that node alone",
    async run() {
      const file = join(cluster, "cluster.yaml");
      const text = readFileSync(file, "utf8");
      const close = () => writeFileSync(file, text.replace(/(size: vc2-2c-4gb\n) +ingress: true\n/, "$1"));
      const addresses = publicAddresses();
      const [ingress = ""] = publicAddresses("vultr-1");
      const found = await withFile(file, close, async () => {
        await must(infra(["up", "--only", "base"]));
        return withoutVendors(() => scanTcp(addresses));
      });
      await must(infra(["up", "--only", "base"]));

      assert.deepEqual(
        found,
        intended().filter((port) => port !== `${ingress} 80`),
      );
      assert.deepEqual(await withoutVendors(() => scanTcp(addresses)), intended());
    },
  },
  {
    name: "hardening: valid VXLAN frames from outside are not received by flannel.1; without the firewall they are",
    async run() {
      const [address = "", v6 = ""] = publicAddresses("vultr-1");
      const closed = await withoutVendors(() => received(address, v6));
      await must(at("vultr-1", "nft delete table inet infra_k3s"));
      const open = await withoutVendors(() => received(address));
      await must(at("vultr-1", "systemctl restart infra-k3s-firewall.service"));

      // The cluster's own traffic goes on meanwhile; it is far less.
      assert.ok(open >= 4000, `without the firewall ${open} of 5000 are received`);
      assert.ok(closed < 1000, `with it ${closed} of 10000`);
    },
  },
  {
    name: "hardening: SSH takes a key and nothing else; verify names what would let a password in",
    async run() {
      for (const { name } of HOSTS)
        assert.match((await askForPassword(name)).stderr, /Permission denied \(publickey\)/);
      const planted = "/etc/ssh/sshd_config.d/00-a.conf";
      await must(
        at(
          "vultr-1",
          `printf 'PasswordAuthentication yes\\nAuthenticationMethods any\\n' >${planted} && systemctl reload ssh`,
        ),
      );
      const open = await askForPassword("vultr-1");
      const verified = await infra(["up", "--only", "verify"]);
      await must(at("vultr-1", `rm ${planted} && systemctl reload ssh`));

      assert.match(open.stderr, /Permission denied \(publickey,password\)/, "the look can see it");
      assert.match(verified.all, /vultr-1: sshd has passwordauthentication yes, not no/);
    },
  },
  {
    name: "hardening: a changed host key stops up before anything is done, and says what to do",
    async run() {
      const key = "/etc/ssh/ssh_host_ed25519_key";
      await must(
        at(
          "aws-1",
          `mkdir /root/kept && mv ${key} ${key}.pub /root/kept && ssh-keygen -q -t ed25519 -N '' -f ${key} && systemctl restart ssh`,
        ),
      );
      const up = await infra(["up"]);
      await must(at("aws-1", `mv /root/kept/* /etc/ssh/ && rmdir /root/kept && systemctl restart ssh`));

      assert.equal(up.exitCode, 1, up.all);
      assert.match(
        up.stderr,
        /aws-1 can't be reached by SSH\s+why: the host shows another key than the one pinned[\s\S]*fix: compare the key/,
      );
      assert.doesNotMatch(up.all, /▸ base/);
    },
  },
  {
    name: "hardening: security updates come in by themselves, without a reboot and without Tailscale and K3s",
    async run() {
      for (const [name, { stdout }] of await everyHost(
        "apt-config dump && unattended-upgrade --dry-run --verbose 2>&1",
      )) {
        assert.match(stdout, /^APT::Periodic::Unattended-Upgrade "1";$/m, name);
        assert.match(stdout, /^Unattended-Upgrade::Automatic-Reboot "false";$/m, name);
        assert.match(stdout, /^Initial blacklist: \^tailscale \^k3s$/m, name);
      }
    },
  },
];
