import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import type { Diagnosis } from "../../src/commands/doctor.ts";
import type { Case } from "./harness.ts";
import { infra } from "./place.ts";

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

/** A healthy cluster has no findings. */
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
];
