import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { cluster, done, infra, killed, must } from "../sandbox/place.ts";
import { stock } from "./clouds.ts";
import { interleaved, timed, timedInfra } from "./measure.ts";
import type { Table } from "./report.ts";

/** `up` on bare hosts and on finished ones, beside stock OpenTofu and Ansible doing the same. */
export async function up(rounds: number): Promise<Table> {
  const stages = new Map<string, number[]>();
  const cold = await interleaved(rounds, {
    ours: async () => {
      await bare();
      const sample = await timedInfra("up", "--until", "verify", "--json");
      for (const { name, seconds } of done(sample).stages)
        stages.set(name, [...(stages.get(name) ?? []), seconds]);
      return sample;
    },
    stock: async () => {
      await bare();
      return stock();
    },
  });
  const again = await interleaved(rounds + 2, { ours: () => timedInfra("up", "--until", "verify"), stock });
  const by = [...stages].map(([name, all]) => `${name} ${Math.min(...all).toFixed(1)} s`).join(", ");
  return {
    title: "up",
    text: `Three bare hosts that OpenTofu has made, programs at the mirror. By stage, best run: ${by}.`,
    rows: [
      {
        what: "cold `up`",
        measured: cold.ours,
        against: "stock `tofu plan` and `ansible-playbook`",
        floor: cold.stock,
        bound: 1.3,
      },
      {
        what: "`up` with nothing to do",
        measured: again.ours,
        against: "stock `tofu plan` and `ansible-playbook`",
        floor: again.stock,
        bound: 1.5,
      },
    ],
  };
}

/** `up` that is killed at a stage's end and run again, beside one that is not. */
export async function resume(): Promise<Table> {
  await bare();
  const unbroken = await timedInfra("up", "--until", "verify");
  const rows = [];
  for (const stage of ["base", "mesh", "k3s"]) {
    await bare();
    const before = await killedAfter(stage);
    const rest = await timedInfra("up", "--until", "verify");
    rows.push({
      what: `killed when \`${stage}\` was done, and run again`,
      measured: { wall: before + rest.wall, cpu: rest.cpu },
      against: "unbroken",
      floor: unbroken,
      // What was done is looked at again, which is what `up` with nothing to do takes.
      bound: 2,
    });
  }
  return {
    title: "Killed and run again",
    text: "Three bare hosts that OpenTofu has made. CPU is the second run's.",
    rows,
  };
}

const NODE = "vultr-2";
const FIELDS = { provider: "vultr", region: "fra", size: "vc2-2c-4gb" };

/** One worker more on a finished cluster, beside stock Ansible over all hosts. */
export async function plusOne(rounds: number): Promise<Table> {
  const flags = Object.entries(FIELDS).flatMap(([name, value]) => [`--${name}`, value]);
  const add = ["node", "add", NODE, ...flags];
  const remove = () => must(infra(["node", "remove", NODE, "--yes"]));
  const { ours, stock: whole } = await interleaved(rounds, {
    ours: async () => {
      const sample = await timedInfra(...add);
      await remove();
      return sample;
    },
    stock: async () => {
      const fields = Object.entries({ name: NODE, role: "worker", ...FIELDS });
      const text = fields.map(([name, value]) => `    ${name}: ${value}\n`).join("");
      appendFileSync(join(cluster, "cluster.yaml"), text.replace("    name", "  - name"));
      await must(infra(["up", "--only", "servers", "--limit", NODE]));
      const sample = await stock();
      await remove();
      return sample;
    },
  });
  return {
    title: "One worker more",
    text: "On a cluster of three. Ours makes the server, too; stock Ansible finds it made.",
    rows: [
      {
        what: "`node add`",
        measured: ours,
        against: "stock `tofu plan` and `ansible-playbook`, over all four",
        floor: whole,
        bound: 1.5,
      },
    ],
  };
}

export async function startup(): Promise<Table> {
  const { help, node } = await interleaved(15, {
    help: () => timedInfra("--help"),
    node: () => timed([process.execPath, "-e", "0"]),
  });
  return {
    title: "Start",
    text: "",
    rows: [{ what: "`infra-k3s --help`", measured: help, against: "`node -e 0`", floor: node, bound: 8 }],
  };
}

/** New servers with nothing on them. */
async function bare(): Promise<void> {
  await must(infra(["destroy", "--yes"]));
  await must(infra(["up", "--until", "dns"]));
}

/** SIGKILL to `up` at the moment the stage is done; returns the seconds until then. */
function killedAfter(stage: string): Promise<number> {
  return killed(["up", "--until", "verify", "--json"], async (stdout) => {
    for await (const line of createInterface(stdout)) {
      const event = JSON.parse(line) as { stage?: string; state?: string };
      if (event.stage === stage && event.state === "done") return;
    }
  });
}
