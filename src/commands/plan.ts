import { stacksOf } from "../config/model.ts";
import { EXIT, type ExitCode, type Fault, formatFault } from "../output/errors.ts";
import type { Io } from "../output/io.ts";
import { table } from "../output/table.ts";
import { writeTree } from "../repository/write.ts";
import { select, type Selection } from "../run/runner.ts";
import type { Change } from "../run/stage.ts";
import { stages } from "../stages/index.ts";
import { type Cost, costOf, unavailable } from "../stages/servers/cost.ts";
import { refusals } from "../stages/stack/plan.ts";
import { collisionsAt } from "../tools/inventory/collisions.ts";
import { hasCredentials } from "../tools/inventory/inventory.ts";
import { askOffers } from "../tools/offers/offers.ts";
import { type ClusterOption, openCluster, renderCluster, stageContext } from "./cluster.ts";

export interface PlanOptions extends ClusterOption, Selection {
  json: boolean;
}

/** The frozen shape of `plan --json`. */
export interface Plan {
  changes: Change[];
  cost: Cost;
  /** Nothing stands in the way of `up`. */
  ok: boolean;
  faults: Fault[];
}

/** The stages that ask providers and no host, and so can look at once. */
const BEFORE_HOSTS: ReadonlySet<string> = new Set(["servers", "dns"]);

/** What `up` would change, and what the servers cost a month. Changes nothing; exits 2 where there are changes. */
export async function runPlan(options: PlanOptions, io: Io): Promise<ExitCode> {
  const chosen = select(stages, options);
  const cluster = openCluster(options);
  // What OpenTofu and Ansible are told is among what is rendered.
  writeTree(cluster.root, renderCluster(cluster));
  const context = await stageContext(cluster, (line) => io.err(`${line}\n`));
  const asked = stacksOf(context.model).filter((stack) => hasCredentials(context.secrets, stack));
  const look = (stage: (typeof stages)[number]) => {
    if (!options.json) io.err(`looking at ${stage.name}\n`);
    return stage.plan(context);
  };
  const [early, late] = [true, false].map((before) =>
    chosen.filter(({ name }) => BEFORE_HOSTS.has(name) === before),
  );
  const [offers, collisions, found] = await Promise.all([
    askOffers(context.model, context.secrets),
    Promise.all(asked.map((stack) => collisionsAt(stack, context))),
    Promise.all((early ?? []).map(look)),
  ]);
  const changes = found.flat();
  // On servers that are not there nothing can be looked at.
  const unmade = context.model.nodes.some(
    ({ name, behindNat }) => context.servers[name] === undefined && !behindNat,
  );
  for (const stage of unmade ? [] : (late ?? [])) changes.push(...(await look(stage)));
  const faults = [
    ...unavailable(context.model, context.servers, offers),
    ...collisions.flat(),
    ...refusals(changes, []),
  ];
  const plan: Plan = { changes, cost: costOf(context.model, offers), ok: faults.length === 0, faults };
  io.out(options.json ? `${JSON.stringify(plan)}\n` : describe(plan));
  if (!plan.ok) return EXIT.failed;
  return changes.length > 0 ? EXIT.changes : EXIT.ok;
}

function describe({ changes, cost, faults }: Plan): string {
  const what = changes.map(({ action, resource, reason }) => `  ${action} ${resource}\n      ${reason}\n`);
  const rows = cost.items.map(({ node, provider, region, size, currency, monthly, note }) => [
    node,
    [provider, region, size].filter(Boolean).join(" "),
    monthly === null ? note : `${monthly.toFixed(2)} ${currency}${note === "" ? "" : ` (${note})`}`,
  ]);
  const totals = cost.totals.map(({ currency, monthly }) => `${monthly.toFixed(2)} ${currency}`);
  const unknown = cost.items.some(({ monthly, provider }) => monthly === null && provider !== "existing");
  return [
    changes.length === 0 ? "nothing to change\n" : `up would change:\n${what.join("")}`,
    `\n${table(["NODE", "WHAT", "A MONTH"], rows)}`,
    totals.length === 0
      ? ""
      : `\nknown in all: ${totals.join(" and ")} a month${unknown ? ", and what is unknown" : ""}, without tax and traffic\n`,
    ...faults.map((fault) => `\n${formatFault(fault)}\n`),
  ].join("");
}
