import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import type { Diagnosis } from "../../src/commands/doctor.ts";
import { command, type Case } from "./harness.ts";
import { at, infra, infraCommand, must } from "./place.ts";

/** What it says; how full the machine's own disk is, is not the sandbox's doing. */
async function doctor(): Promise<Diagnosis & { exitCode: number }> {
  const { stdout, exitCode, all } = await infra(["doctor", "--json"]);
  assert.ok(stdout.startsWith("{"), all);
  const diagnosis = JSON.parse(stdout) as Diagnosis;
  const machine = /^(\/|\/var\/lib\/rancher) has /;
  return {
    ...diagnosis,
    exitCode,
    findings: diagnosis.findings.filter(({ message }) => !machine.test(message)),
  };
}

const brief = ({ findings }: Diagnosis) =>
  findings
    .map(({ host, check, message }) => `${host}: ${check}: ${message}`)
    .toSorted((a, b) => a.localeCompare(b));

/** Waits for what comes back by itself. */
async function untilSilent(): Promise<string[]> {
  let said: string[] = [];
  for (let tries = 0; tries < 20; tries++) {
    said = brief(await doctor());
    if (said.length === 0) break;
    await sleep(2000);
  }
  return said;
}

/** A healthy cluster has no findings; each planted fault is found where it is, and its fix mends it. */
export const doctors: readonly Case[] = [
  {
    name: "doctor: no findings on a healthy cluster, and every pair of nodes direct",
    async run() {
      const said = await untilSilent();
      const { exitCode, pairs, ok } = await doctor();

      assert.deepEqual(said, []);
      assert.equal(exitCode === 0, ok);
      assert.equal(pairs.length, 6);
      assert.deepEqual([...new Set(pairs.map(({ path }) => path))], ["direct"]);
      for (const { rttMs } of pairs) assert.equal(typeof rttMs, "number");
    },
  },
  {
    full: true,
    name: "doctor: planted faults of MTU, DNS, disk, services and reach are found where they are; mended, it is silent",
    async run() {
      await must(at("aws-1", "ip link set flannel.1 mtu 1200"));
      await must(
        at("vultr-1", "cp /etc/resolv.conf /root/saved && echo search tail1234.ts.net >>/etc/resolv.conf"),
      );
      await must(at("vultr-1", "systemctl disable tailscaled"));
      await must(
        at("hetzner-1", "mount -t tmpfs -o size=64k tmpfs /tmp && ! cat /dev/zero >/tmp/full 2>/dev/null"),
      );
      await must(at("hetzner-1", "systemd-run --unit=planted --wait false; systemctl is-failed planted"));
      const ill = await doctor();
      const people = await infra(["doctor"]);
      const mtu = ill.findings.find(({ check, host }) => check === "mtu" && host === "aws-1");
      const fix = mtu?.fix.replace("infra-k3s", infraCommand([]).argv[0] ?? "") ?? "false";
      await must(command(["sh", "-c", fix], { clean: true, env: infraCommand([]).env }));
      await must(at("vultr-1", "cat /root/saved >/etc/resolv.conf"));
      await must(at("hetzner-1", "umount /tmp; systemctl reset-failed planted"));
      await must(infra(["up"]));
      const well = await untilSilent();

      assert.equal(ill.exitCode, 1);
      const expected = [
        /^aws-1: mtu: flannel\.1 has MTU 1200; over tailscale0 \(1280\) it has to be 1230$/,
        /^hetzner-1: disk: \/tmp has 0 % of its space left$/,
        /^hetzner-1: units: planted\.service is failed \(failed\)/,
        /^vultr-1: dns: \/etc\/resolv\.conf has the tailnet's resolver or search domain/,
        /^vultr-1: units: tailscaled\.service would not start at the next boot$/,
      ];
      for (const one of expected)
        assert.ok(
          brief(ill).some((text) => one.test(text)),
          `${String(one)} in\n${brief(ill).join("\n")}`,
        );
      assert.ok(ill.findings.every(({ fix: way }) => way !== ""));
      assert.match(people.stdout, /aws-1: mtu: flannel\.1 has MTU 1200.*\n {2}fix: infra-k3s ssh aws-1/);
      assert.deepEqual(well, []);
    },
  },
];
