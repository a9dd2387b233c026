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
import { describeDrill, type DrillStatus, lastDrill } from "./drill-history.ts";
import { readBegun } from "./restore-namespaces-begun.ts";
import { type BackupsStatus, describeBackups, lookAtBackups } from "./status-backups.ts";
import { describeGitops, gitopsStage, type GitopsStatus, isFine, lookAtGitops } from "./status-cluster.ts";

export interface StatusOptions extends ClusterOption {
  json: boolean;
  /** Compare every stage with what is declared (dry runs), and exit 1 where it differs. */
  check: boolean;
}

/** The frozen shape of `status --json`. */
export interface Status extends GitopsStatus {
  cluster: string;
  domain: string;
  ok: boolean;
  nodes: NodeStatus[];
  stages: ({ name: string } & Observation)[];
  /** `drill`: the last one that was done from this repository; null: none. */
  backups: BackupsStatus & GitopsStatus["backups"] & { drill: DrillStatus | null };
  /** A restore of namespaces that was begun here and has not come to its end: Argo CD is held meanwhile. */
  restore: { backup: string; namespaces: string[] } | null;
}

export async function runStatus(options: StatusOptions, io: Io): Promise<ExitCode> {
  const context = await stageContext(openCluster(options), (line) => io.err(`${line}\n`));
  const status = options.check ? await compared(context) : await glance(context);
  io.out(options.json ? `${JSON.stringify(status)}\n` : describe(status));
  return options.check && !status.ok ? EXIT.failed : EXIT.ok;
}

/** What one look at the cluster tells: enough for each stage's result, not for every setting. */
async function glance(context: ClusterContext): Promise<Status> {
  const [{ nodes, undeclared, fault }, gitops, backups] = await Promise.all([
    observe(context, new Date()),
    lookAtGitops(context),
    lookAtBackups(context),
  ]);
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
    gitops: gitopsStage(gitops, context.model.gitops !== null),
  };
  return assemble(
    context,
    nodes,
    gitops,
    backups(ageOfMaster(nodes)),
    stages.map(({ name }) => ({ name, ...(results[name] ?? { state: "absent", reason: "not looked at" }) })),
  );
}

function meshed(node: NodeStatus): boolean {
  return node.path !== "none";
}

async function compared(context: ClusterContext): Promise<Status> {
  const [{ nodes }, gitops, backups, observations] = await Promise.all([
    observe(context, new Date()),
    lookAtGitops(context),
    lookAtBackups(context),
    inOrder(stages.map((stage) => async () => ({ name: stage.name, ...(await stage.observe(context)) }))),
  ]);
  return assemble(context, nodes, gitops, backups(ageOfMaster(nodes)), observations);
}

const ageOfMaster = (nodes: readonly NodeStatus[]) =>
  nodes.find(({ role }) => role === "master")?.ageSeconds ?? null;

/** One dry run after another: each already uses every host. */
async function inOrder<T>(jobs: (() => Promise<T>)[]): Promise<T[]> {
  const results: T[] = [];
  for (const job of jobs) results.push(await job());
  return results;
}

function assemble(
  { root, model }: ClusterContext,
  nodes: NodeStatus[],
  gitops: GitopsStatus,
  backups: BackupsStatus,
  observed: Status["stages"],
): Status {
  const drill = lastDrill(root, Date.now());
  const begun = readBegun(root);
  const restore = begun === undefined ? null : { backup: begun.backup, namespaces: begun.namespaces };
  const ok =
    restore === null &&
    nodes.every((node) => node.ready) &&
    observed.every(({ state }) => state === "ok") &&
    isFine(gitops, model.gitops !== null) &&
    backups.etcd?.ok !== false &&
    backups.second?.ok !== false &&
    drill?.ok !== false;
  return {
    cluster: model.name,
    domain: model.domain,
    ok,
    nodes,
    stages: observed,
    ...gitops,
    backups: { ...backups, ...gitops.backups, drill },
    restore,
  };
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
    (wrong.length + reasons.length > 0 ? "\n" : "") +
    describeRestore(status) +
    describeBackups(status.backups) +
    (status.backups.etcd === null ? "" : describeDrill(status.backups.drill)) +
    describeGitops(status)
  );
}

function describeRestore({ restore }: Status): string {
  if (restore === null) return "";
  const { backup, namespaces } = restore;
  return `\na restore of ${namespaces.join(", ")} from ${backup} has not come to its end, and Argo CD is held: infra-k3s restore --from ${backup}, or infra-k3s restore abandon\n`;
}
