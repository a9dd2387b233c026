import { EXIT, type ExitCode } from "../output/errors.ts";
import type { Io } from "../output/io.ts";
import { age, table } from "../output/table.ts";
import type { Observation } from "../run/stage.ts";
import type { ClusterContext } from "../stages/context.ts";
import { dns } from "../stages/dns/stage.ts";
import { stages } from "../stages/index.ts";
import { observe, tellUndeclared } from "../stages/verify/observe.ts";
import type { NodeStatus } from "../stages/verify/parse.ts";
import { type ClusterOption, openCluster, stageContext } from "./cluster.ts";

export interface StatusOptions extends ClusterOption {
  json: boolean;
  /** Compare every stage with what is declared (dry runs), and exit 1 where it differs. */
  check: boolean;
}

/** The frozen shape of `status --json`. */
export interface Status {
  cluster: string;
  domain: string;
  ok: boolean;
  nodes: NodeStatus[];
  stages: ({ name: string } & Observation)[];
}

export async function runStatus(options: StatusOptions, io: Io): Promise<ExitCode> {
  const context = await stageContext(openCluster(options), (line) => io.err(`${line}\n`));
  const status = options.check ? await compared(context) : await glance(context);
  io.out(options.json ? `${JSON.stringify(status)}\n` : describe(status));
  return options.check && !status.ok ? EXIT.failed : EXIT.ok;
}

/** What one look at the cluster tells: enough for each stage's result, not for every setting. */
async function glance(context: ClusterContext): Promise<Status> {
  const { nodes, undeclared, fault } = await observe(context, new Date());
  const judge = (good: (node: NodeStatus) => boolean, failed: string): Observation => {
    if (fault !== "") return { state: "failed", reason: fault };
    const bad = nodes.filter((node) => !good(node)).map((node) => node.name);
    return bad.length === 0
      ? { state: "ok", reason: "seen working; `status --check` compares every setting" }
      : { state: nodes.length === bad.length ? "absent" : "failed", reason: `${failed}: ${bad.join(", ")}` };
  };
  const results: Record<string, Observation> = {
    dns: await dns.observe(context),
    servers: judge(({ name }) => context.servers[name] !== undefined, "no server"),
    base: judge(meshed, "not seen working on"),
    mesh: judge(meshed, "no path through the mesh to"),
    k3s: judge((node) => node.version !== "", "not in the cluster"),
    verify:
      undeclared.length > 0
        ? { state: "failed", reason: tellUndeclared(undeclared) }
        : judge((node) => node.ready, "not Ready"),
  };
  return assemble(
    context,
    nodes,
    stages.map(({ name }) => ({ name, ...(results[name] ?? { state: "absent", reason: "not looked at" }) })),
  );
}

function meshed(node: NodeStatus): boolean {
  return node.path !== "none";
}

async function compared(context: ClusterContext): Promise<Status> {
  const [{ nodes }, observations] = await Promise.all([
    observe(context, new Date()),
    inOrder(stages.map((stage) => async () => ({ name: stage.name, ...(await stage.observe(context)) }))),
  ]);
  return assemble(context, nodes, observations);
}

/** One dry run after another: each already uses every host. */
async function inOrder<T>(jobs: (() => Promise<T>)[]): Promise<T[]> {
  const results: T[] = [];
  for (const job of jobs) results.push(await job());
  return results;
}

function assemble({ model }: ClusterContext, nodes: NodeStatus[], observed: Status["stages"]): Status {
  const ok = nodes.every((node) => node.ready) && observed.every(({ state }) => state === "ok");
  return { cluster: model.name, domain: model.domain, ok, nodes, stages: observed };
}

function describe(status: Status): string {
  const rows = status.nodes.map((node) => [
    node.name,
    node.role,
    [node.provider, node.region].filter(Boolean).join("/"),
    node.ready ? "Ready" : "not ready",
    node.version,
    node.meshIp,
    node.publicIp || "none",
    node.path + (node.rttMs === null || node.path === "self" ? "" : ` ${node.rttMs} ms`),
    node.ageSeconds === null ? "" : age(node.ageSeconds),
  ]);
  const header = ["NODE", "ROLE", "WHERE", "STATE", "VERSION", "MESH", "PUBLIC", "PATH", "AGE"];
  const reasons = status.nodes.filter(({ reason }) => reason !== "");
  const wrong = status.stages.filter(({ state }) => state !== "ok");
  return (
    `${status.cluster} (${status.domain}): ${status.ok ? "ok" : "not ok"}\n\n${table(header, rows)}` +
    reasons.map(({ name, reason }) => `\n${name}: ${reason}`).join("") +
    wrong.map(({ name, state, reason }) => `\n${name}: ${state}: ${reason}`).join("") +
    (wrong.length + reasons.length > 0 ? "\n" : "")
  );
}
