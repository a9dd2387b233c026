import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { assertClosed, unexpose } from "./exposed.ts";
import { type Case, eventually } from "./harness.ts";
import { HOSTS } from "./outside.ts";
import { at, done, infra, must } from "./place.ts";
import { assertAllAnswered, deployProbes, type Exchange, kubectl, type Pod, pods } from "./probe.ts";

/**
 * Traffic from a pod for some seconds: new connections to each target, and to each a stream that is opened once.
 * Entered from the pod's host: `kubectl exec` would end with the API that is being restarted.
 */
async function talk(pod: Pod, targets: readonly string[], seconds: number): Promise<Exchange[]> {
  const script = `
    for pid in $(pgrep -f 'probe serve'); do
      nsenter --target $pid --net ip -4 -o address 2>/dev/null | grep -qF ' ${pod.ip}/' && break
    done
    run() { nsenter --target $pid --net timeout ${seconds} /proc/$pid/exe "$@" & }
    run connect ${targets.join(" ")}
    for target in ${targets.join(" ")}; do run stream $target; done
    wait`;
  const { stdout } = await at(pod.node, script);
  return stdout
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line) as Exchange);
}

const probes = (all: readonly Pod[]) => all.filter(({ app }) => app === "probe");
const addresses = (all: readonly Pod[]) => all.map(({ ip }) => `${ip}:7000`);
/** What a pod would lose by being restarted or made anew. */
const lives = (all: readonly Pod[]) => all.map(({ name, uid, restarts }) => ({ name, uid, restarts }));

/**
 * Every node's pod talks to every node's while something happens that no pod may be restarted by: 15 s after its end at the
 * latest all must go on. Pairs of `untouched` nodes must not notice.
 */
async function across(
  what: string,
  seconds: number,
  event: () => Promise<unknown>,
  untouched: readonly string[] = [],
): Promise<void> {
  await deployProbes();
  const before = await pods();
  const all = probes(before);
  const traffic = all.map(async (pod) => ({ pod, seen: await talk(pod, addresses(all), seconds) }));
  await sleep(6000);
  await event();
  const end = Date.now();
  let healed = 0;
  for (const { pod, seen } of await Promise.all(traffic)) {
    if (untouched.includes(pod.node))
      assertAllAnswered(pod, addresses(all.filter(({ node }) => untouched.includes(node))), seen);
    for (const target of addresses(all)) {
      for (const kind of ["connect", "stream"]) {
        const some = seen.filter((one) => one.kind === kind && one.target === target);
        const failures = some.filter(({ ok }) => !ok).map((one) => Date.parse(one.at) + one.ms - end);
        healed = Math.max(
          healed,
          ...failures,
          ...some.map(({ at: when, ms }) => (ms > 1000 ? Date.parse(when) + ms - end : 0)),
        );
        const last = some.toSorted((a, b) => Date.parse(a.at) - Date.parse(b.at)).at(-1);
        assert.ok(last?.ok, `${kind} from ${pod.node} to ${target}: ${JSON.stringify(last)}`);
        assert.ok(Date.parse(last.at) > end + 15_000, `${kind} from ${pod.node} to ${target} went on`);
      }
    }
  }
  console.log(`        ${what}: healed after ${(healed / 1000).toFixed(1)} s`);
  assert.deepEqual(lives(await pods()), lives(before), "no pod was restarted");
}

const OTHERS = ["hetzner", "aws", "services", "operator", "internet"];

/** For 60 s nothing gets from a cloud to others, nor back; returns whether the master still reached the worker there. */
async function cut(cloud: string, others: readonly string[], ...flags: string[]): Promise<boolean> {
  const address = (await must(at(`${cloud}-1`, "tailscale ip -4"))).stdout.trim();
  const ping = () => at("hetzner-1", `ping -c 3 -W 1 ${address}`);
  await must(ping());
  for (const other of others) await must(infra(["sandbox", "link", cloud, other, "--down", ...flags]));
  await sleep(60_000);
  const reached = await ping();
  await must(infra(["sandbox", "link", "--reset"]));
  return reached.exitCode === 0;
}

export const bootId = async (host: string) =>
  (await at(host, "cat /proc/sys/kernel/random/boot_id")).stdout.trim();

/** Reboots a host and waits until it is back: another boot id, then a lease that this boot renewed, then Ready. */
export async function reboot(host: string): Promise<void> {
  const before = await bootId(host);
  await at(host, "systemctl reboot");
  await eventually(`${host} boots`, async () => {
    const now = await bootId(host);
    return now !== "" && now !== before;
  });
  const booted = Date.now();
  await eventually(`${host} renews its lease`, async () => {
    const lease = await infra([
      "kubectl", "get", "lease", host, "--namespace", "kube-node-lease", "--output", "jsonpath={.spec.renewTime}",
    ]); // prettier-ignore
    return Date.parse(lease.stdout) > booted;
  });
  await kubectl("wait", `node/${host}`, "--for=condition=Ready", "--timeout=120s");
}

/** The others go on talking while a host reboots; then all talk, and nothing is left for `up` to do. */
async function acrossReboot(host: string): Promise<void> {
  await deployProbes();
  const others = (await pods()).filter(({ node }) => node !== host);
  const watching = probes(others);
  const traffic = watching.map(async (pod) => ({ pod, seen: await talk(pod, addresses(watching), 40) }));
  await sleep(3000);
  const start = Date.now();
  await reboot(host);
  for (const { pod, seen } of await Promise.all(traffic)) assertAllAnswered(pod, addresses(watching), seen);

  await eventually("every pair of nodes talks", async () => {
    const all = probes(await pods());
    const seen = await Promise.all(all.map((pod) => talk(pod, addresses(all), 3)));
    return all.length === HOSTS.length && seen.every((one) => one.length > 0 && one.every(({ ok }) => ok));
  });
  console.log(
    `        reboot of ${host}: every pair talks after ${((Date.now() - start) / 1000).toFixed(1)} s`,
  );
  const kept = (await pods()).filter(({ node }) => node !== host);
  assert.deepEqual(lives(kept), lives(others), "the other nodes' pods were not restarted");
  assert.equal(done(await must(infra(["up", "--json"]))).changed, 0);
}

/** The master in every run, a worker where there is time. */
const ENDS: readonly { host: string; full?: true }[] = [
  { host: "vultr-1", full: true },
  { host: "hetzner-1" },
];

/** Hosts and their mesh come back by themselves, and pods with them. */
export const restarts: readonly Case[] = [
  ...ENDS.map(({ host, ...when }) => ({
    ...when,
    name: `restarts: tailscaled on ${host}: streams and new connections heal, no pod is restarted`,
    run: () =>
      across(`restart of tailscaled on ${host}`, 40, () => must(at(host, "systemctl restart tailscaled"))),
  })),
  {
    full: true,
    name: "restarts: tailscale0 made anew: flannel comes back, no pod is restarted",
    async run() {
      const anew = "systemctl stop tailscaled && ip link delete tailscale0 && systemctl start tailscaled";
      // 10 s until it is missed, K3s's restart, and then the streams' own next attempt, each twice as far away as the one before.
      await across("tailscale0 made anew on aws-1", 90, async () => {
        await must(at("aws-1", anew));
        assert.notEqual((await at("aws-1", "ip link show flannel.1")).exitCode, 0, "flannel.1 was gone");
      });
    },
  },
  {
    full: true,
    name: "restarts: Vultr is cut off for 60 s: the others don't notice, and it heals by itself",
    run: () =>
      // A stream's next attempt comes up to 45 s after the end: each is twice as far away as the one before.
      across("Vultr cut off for 60 s", 180, async () => assert.equal(await cut("vultr", OTHERS), false), [
        "hetzner-1",
        "aws-1",
      ]),
  },
  {
    full: true,
    name: "restarts: for 60 s nothing gets from Vultr to Hetzner, but back: the relay is taken",
    run: () =>
      across(
        "Vultr to Hetzner cut for 60 s",
        180,
        async () => assert.equal(await cut("vultr", ["hetzner"], "--one-way"), true),
        ["hetzner-1", "aws-1"],
      ),
  },
  ...ENDS.map(({ host, ...when }) => ({
    ...when,
    name: `restarts: reboot of ${host}: it comes back by itself, the others go on talking`,
    run: () => acrossReboot(host),
  })),
  {
    name: "hardening: after the reboots the same ports are closed",
    async run() {
      await assertClosed();
      await unexpose();
    },
  },
];
