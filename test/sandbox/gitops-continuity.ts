import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { placeCommand } from "../../sandbox/network/places.ts";
import { setDnsLag } from "../../sandbox/services/dns-lag.ts";
import { faultsFile, setFaults } from "../../sandbox/services/faults.ts";
import { renew, revision, settle } from "./gitops-certificate.ts";
import { ask, DOMAIN, k, STATE } from "./gitops-place.ts";
import { type Case, eventually } from "./harness.ts";
import type { Asked } from "./https-probe.ts";
import { publicAddresses } from "./outside.ts";
import { readPlan } from "./place.ts";
import { reboot } from "./restarts.ts";

const HOST = `echo.${DOMAIN}`;
const ACME = "acme-v02.api.letsencrypt.org";

/** Asks the page at each address, ten times a second and never twice, while `event` happens. */
async function across(addresses: readonly string[], event: () => Promise<unknown>): Promise<Asked[]> {
  const program = join(import.meta.dirname, "https-probe.ts");
  const probes = addresses.map((address) => {
    const [file, ...args] = [
      ...placeCommand(readPlan(), "internet", STATE),
      process.execPath,
      "--use-system-ca",
      program,
      HOST,
      address,
      "1200",
    ] as [string, ...string[]];
    return spawn(file, args, { stdio: ["ignore", "pipe", "inherit"] });
  });
  const said = Promise.all(probes.map(({ stdout }) => text(stdout)));
  await sleep(3000);
  try {
    await event();
  } finally {
    await sleep(2000);
    for (const probe of probes) probe.kill("SIGTERM");
  }
  return (await said).flatMap((lines) =>
    lines
      .split("\n")
      .filter(Boolean)
      .map((line) => JSON.parse(line) as Asked),
  );
}

function assertServed(what: string, seen: readonly Asked[]): void {
  const failed = seen.filter(({ status }) => status !== 200);
  const slowest = Math.max(...seen.map(({ ms }) => ms));
  console.log(
    `        ${what}: ${seen.length} requests, ${failed.length} failed, the slowest took ${slowest} ms`,
  );
  assert.ok(seen.length > 100, `${seen.length} requests are too few`);
  assert.deepEqual(failed.slice(0, 5), [], what);
}

const pods = () => k("get pods -n traefik -o 'jsonpath={.items[*].metadata.name}'");

/** What must not be noticed by whoever looks at the page. */
export const continuity: readonly Case[] = [
  {
    full: true,
    name: "gitops: a certificate is renewed while 90 % of nonces are refused and DNS lags a minute: no request fails",
    async run() {
      const [address = ""] = publicAddresses("hetzner-1");
      const before = await revision();
      const seen = await across([address], async () => {
        setDnsLag(STATE, 60);
        setFaults(faultsFile(STATE), [{ host: ACME, method: "POST", badNonce: 0.9, times: 30 }]);
        try {
          await renew();
          await settle(before, 600);
        } finally {
          setDnsLag(STATE, 0);
          setFaults(faultsFile(STATE), []);
        }
        await sleep(5000);
      });

      assert.ok((await revision()) > before);
      const serials = new Set(seen.map(({ serial }) => serial));
      assert.equal(serials.size, 2, "the new certificate is served");
      assertServed("renewal", seen);
    },
  },
  {
    full: true,
    name: "gitops: Traefik's rolling restart: no request fails at either node",
    async run() {
      const addresses = ["hetzner-1", "vultr-1"].flatMap((name) => publicAddresses(name));
      const before = await pods();
      const seen = await across(addresses, async () => {
        await k("rollout restart daemonset/traefik -n traefik");
        await k("rollout status daemonset/traefik -n traefik --timeout=300s");
        await eventually("the old pods' end", pods, (names) => names.trim().split(/\s+/).length === 2, 120);
      });

      const after = await pods();
      assert.ok(
        before.split(" ").every((name) => !after.includes(name)),
        "every pod is a new one",
      );
      assertServed("rolling restart", seen);
    },
  },
  {
    full: true,
    name: "gitops: a node's reboot: no request to the other fails",
    async run() {
      // Where its pod goes down with the node, a page of one replica does: it stands elsewhere.
      await k("cordon vultr-1");
      await k("delete pod -n echo -l app.kubernetes.io/name=echo --wait=false");
      await k("rollout status deployment/echo -n echo --timeout=120s");
      await k("uncordon vultr-1");
      const [rebooted = ""] = publicAddresses("vultr-1");
      const seen = await across(publicAddresses("hetzner-1"), async () => {
        await reboot("vultr-1");
        await eventually(
          "its own Traefik",
          () => ask(rebooted, `https://${HOST}/`, "--fail", "--max-time", "4"),
          ({ exitCode }) => exitCode === 0,
          240,
        );
      });

      assertServed("reboot of the other node", seen);
    },
  },
];
