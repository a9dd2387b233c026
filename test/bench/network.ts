import { globSync } from "node:fs";
import { join } from "node:path";
import { ipv4 } from "../../sandbox/network/plan.ts";
import { at, caches, infra, must, readPlan } from "../sandbox/place.ts";
import { deployProbes, NAMESPACE, type Pod } from "../sandbox/probe.ts";
import { stock } from "./clouds.ts";
import { interleaved, type Sample, timedInfra } from "./measure.ts";
import type { Row, Table } from "./report.ts";

const CLOUDS = ["hetzner", "vultr", "aws"] as const;
const FAR = 100;

/** How much of `up` is waiting for the network: the same run with the operator far away, beside stock OpenTofu and Ansible. */
export async function slope(rounds: number): Promise<Table> {
  const at0 = await both(rounds);
  const distances = [25, FAR];
  const rows: Row[] = [];
  for (const roundTrip of distances) {
    for (const cloud of CLOUDS)
      await must(infra(["sandbox", "link", "operator", cloud, "--delay", String(roundTrip / 2)]));
    const { ours, stock: theirs } = await both(rounds);
    const trips = (sample: Sample, near: Sample) => ((sample.wall - near.wall) * 1000) / roundTrip;
    rows.push({
      what: `\`up\` with nothing to do, ${roundTrip} ms away (${trips(ours, at0.ours).toFixed(0)} round trips)`,
      measured: ours,
      against: `stock OpenTofu and Ansible there (${trips(theirs, at0.stock).toFixed(0)} round trips)`,
      floor: theirs,
      bound: 1.6,
    });
  }
  await must(infra(["sandbox", "link", "--reset"]));
  return {
    title: "Distance",
    text: "Seconds more per millisecond of round trip are round trips one after another.",
    rows,
  };
}

const exec = (pod: Pod, ...args: string[]) =>
  must(infra(["kubectl", "exec", "--namespace", NAMESPACE, pod.name, "--", ...args]));

const both = (rounds: number): Promise<Record<"ours" | "stock", Sample>> =>
  interleaved(rounds, {
    ours: () => timedInfra("up", "--until", "verify"),
    stock,
  });

/** Bytes per second through each layer, as seconds for a gigabit: what the layers cost. */
export async function throughput(seconds: number): Promise<Table> {
  const pods = await deployProbes();
  const find = (app: string, node: string): Pod => {
    const pod = pods.find((one) => one.app === app && one.node === node);
    if (pod === undefined) throw new Error(`no pod ${app} on ${node}`);
    return pod;
  };
  const send = async (from: Pod, address: string): Promise<Sample> => {
    const { stdout } = await exec(from, "probe", "throughput", `${address}:7001`, String(seconds));
    return perGigabit(Number(stdout));
  };
  // The servers end by themselves.
  const life = 9 * seconds + 60;
  const mesh = (await must(at("vultr-1", "tailscale ip -4"))).stdout.trim();
  // In its host's network the same program serves the host's addresses.
  await exec(find("host", "vultr-1"), "sh", "-c", `timeout ${life} probe serve >/dev/null 2>&1 &`);
  const probe = globSync(join(caches, "infra-k3s/programs/programs-*/probe"))[0] ?? "";
  const bare = `${ipv4(readPlan(), "internet", 10)}:7001`;
  await must(at("internet", `timeout ${life} ${probe} serve >/dev/null 2>&1 &`));
  const all = await interleaved(3, {
    pods: () => send(find("probe", "hetzner-1"), find("probe", "vultr-1").ip),
    hosts: () => send(find("host", "hetzner-1"), mesh),
    bare: async () =>
      perGigabit(Number((await must(at("operator", `${probe} throughput ${bare} ${seconds}`))).stdout)),
  });
  return {
    title: "Throughput",
    text: "One TCP stream, as seconds for a gigabit. Bare is the sandbox's link without a tunnel; its hosts share this machine's cores with everything else, tailscaled encrypts in user space. A host's stream reaches it in segments of up to 64 KiB, VXLAN's in packets of the MTU's size.",
    rows: [
      {
        what: "pod to pod, across clouds",
        measured: all.pods,
        against: "host to host over tailscale0",
        floor: all.hosts,
        bound: 3,
      },
      {
        what: "host to host over tailscale0",
        measured: all.hosts,
        against: "the bare link",
        floor: all.bare,
        bound: 8,
      },
    ],
  };
}

function perGigabit(bytesPerSecond: number): Sample {
  return { wall: 1e9 / 8 / bytesPerSecond, cpu: 0 };
}
