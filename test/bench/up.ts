import { createInterface } from "node:readline";
import { done, infra, killed, must, stockAnsible } from "../sandbox/place.ts";
import { interleaved, type Sample, timed, timedInfra } from "./measure.ts";
import type { Table } from "./report.ts";

const stock = (): Promise<Sample> => timedInfra(...stockAnsible("site.yml"));

/** `up` on bare hosts and on finished ones, beside stock Ansible doing the same playbook. */
export async function up(rounds: number): Promise<Table[]> {
  const stages = new Map<string, number[]>();
  const cold = await interleaved(rounds, {
    ours: async () => {
      await destroy();
      const sample = await timedInfra("up", "--json");
      for (const { name, seconds } of done(sample).stages)
        stages.set(name, [...(stages.get(name) ?? []), seconds]);
      return sample;
    },
    stock: async () => {
      await destroy();
      return stock();
    },
  });
  const again = await interleaved(rounds + 2, { ours: () => timedInfra("up"), stock });
  const resumed = [];
  for (const stage of ["base", "mesh", "k3s"]) {
    await destroy();
    const before = await killedAfter(stage);
    const rest = await timedInfra("up");
    resumed.push({
      what: `killed when \`${stage}\` was done, and run again`,
      measured: { wall: before + rest.wall, cpu: rest.cpu },
      against: "unbroken",
      floor: cold.ours,
      bound: 1.5,
    });
  }
  const by = [...stages].map(([name, all]) => `${name} ${Math.min(...all).toFixed(1)} s`).join(", ");
  return [
    {
      title: "up",
      text: `Three bare hosts, programs at the mirror. By stage, best run: ${by}.`,
      rows: [
        {
          what: "cold `up`",
          measured: cold.ours,
          against: "stock `ansible-playbook site.yml`",
          floor: cold.stock,
          bound: 1.3,
        },
        {
          what: "`up` with nothing to do",
          measured: again.ours,
          against: "stock `ansible-playbook site.yml`",
          floor: again.stock,
          bound: 1.5,
        },
        ...resumed,
      ],
    },
  ];
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

async function destroy(): Promise<void> {
  await must(infra(["destroy", "--yes"]));
}

/** SIGKILL to `up` at the moment the stage is done; returns the seconds until then. */
function killedAfter(stage: string): Promise<number> {
  return killed(["up", "--json"], async (stdout) => {
    for await (const line of createInterface(stdout)) {
      const event = JSON.parse(line) as { stage?: string; state?: string };
      if (event.stage === stage && event.state === "done") return;
    }
  });
}
