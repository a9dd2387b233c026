import { masterOf } from "../config/model.ts";
import { table } from "../output/table.ts";
import type { Observation } from "../run/stage.ts";
import { type ClusterContext, targetOf } from "../stages/context.ts";
import { lookUp, type Served } from "../stages/dns/served.ts";
import { surveyCluster, unsurveyed } from "../tools/cluster/look.ts";
import { NO_BACKUPS, type Problem, type Survey } from "../tools/cluster/survey.ts";
import { describeVolumes } from "./status-volumes.ts";

/** What `status` says of GitOps: all of it empty where cluster.yaml has none. */
export interface GitopsStatus {
  apps: Survey["apps"];
  certificates: Survey["certificates"];
  /** The one that the routes are at; null: there is none. */
  gateway: Survey["gateways"][number] | null;
  routes: Survey["routes"];
  /** Other parts of the backups join it. */
  backups: Survey["backups"];
  dns: Served;
  problems: Problem[];
}

export const NO_GITOPS: GitopsStatus = {
  apps: [],
  certificates: [],
  gateway: null,
  routes: [],
  backups: NO_BACKUPS,
  dns: { declared: [], served: [], ok: true },
  problems: [],
};

/** The namespace and name of the Gateway in kubernetes/infrastructure/gateway. */
const GATEWAY = "gateway/public";
/** A name below the domain that nobody has a record for: the wildcard answers. */
const BELOW = "infra-k3s-status";

/** One round trip to the master, and DNS meanwhile. */
export async function lookAtGitops(context: ClusterContext): Promise<GitopsStatus> {
  const { model } = context;
  if (model.gitops === null) return NO_GITOPS;
  const [seen, dns, below] = await Promise.all([
    survey(context),
    lookUp(context, model.domain),
    lookUp(context, `${BELOW}.${model.domain}`),
  ]);
  const { apps, certificates, gateways, routes, backups, problems } = seen;
  const gateway = gateways.find(({ namespace, name }) => `${namespace}/${name}` === GATEWAY) ?? null;
  const misled = [misleads(model.domain, dns), misleads(`*.${model.domain}`, below)].flat();
  return {
    apps,
    certificates,
    gateway,
    routes,
    backups,
    dns: { ...dns, ok: dns.ok && below.ok },
    problems: [...problems, ...misled],
  };
}

async function survey(context: ClusterContext): Promise<Survey> {
  const master = masterOf(context.model);
  const target = targetOf(context, master);
  return target === undefined
    ? unsurveyed(`${master.name} has no server yet`)
    : surveyCluster(target, context.model.nodes.map(({ name }) => name)); // prettier-ignore
}

function misleads(name: string, { declared, served, ok }: Served): Problem[] {
  if (ok) return [];
  const leads = served.length === 0 ? "no address" : served.join(", ");
  const wanted = declared.length === 0 ? "Cloudflare's edge" : declared.join(", ");
  const fix = "infra-k3s up --only dns; an answer of before may be remembered for some minutes";
  return [
    {
      what: `${name} is not served as declared`,
      why: `it leads to ${leads}, declared is ${wanted}`,
      fix,
      severity: "error",
    },
  ];
}

/** How the stage stands, as far as the cluster itself tells: whether git has something newer, only the stage looks. */
export function gitopsStage({ apps, problems }: GitopsStatus, declared: boolean): Observation {
  if (!declared) return { state: "ok", reason: "cluster.yaml has no `gitops`" };
  const late = apps.filter(({ sync, health }) => sync !== "Synced" || health !== "Healthy");
  if (apps.length === 0)
    return { state: "absent", reason: problems[0]?.why ?? "ArgoCD follows no repository yet" };
  return late.length === 0
    ? { state: "ok", reason: "every app is Synced and Healthy" }
    : { state: "failed", reason: `not Synced and Healthy: ${late.map(({ name }) => name).join(", ")}` };
}

export function isFine(
  { apps, certificates, gateway, routes, dns, problems }: GitopsStatus,
  declared: boolean,
): boolean {
  if (!declared) return true;
  return (
    problems.length === 0 &&
    apps.every(({ sync, health }) => sync === "Synced" && health === "Healthy") &&
    certificates.every(({ ready }) => ready) &&
    gateway?.programmed === true &&
    routes.every(({ accepted, resolvedRefs }) => accepted && resolvedRefs) &&
    dns.ok
  );
}

/** The tables, and each problem with its cause and what to do; empty without GitOps. */
export function describeGitops(status: GitopsStatus): string {
  const { apps, certificates, gateway, routes, backups, problems } = status;
  const tables = [
    table(
      ["APP", "SYNC", "HEALTH", "COMMIT"],
      apps.map(({ name, sync, health, revision }) => [name, sync, health, revision.slice(0, 7)]),
    ),
    table(
      ["CERTIFICATE", "STATE", "ENDS"],
      certificates.map(({ namespace, name, ready, notAfter }) => [
        `${namespace}/${name}`,
        ready ? "Ready" : "not ready",
        notAfter.slice(0, 10),
      ]),
    ),
    table(
      ["ROUTE", "STATE", "HOSTS"],
      routes.map(({ namespace, name, hosts, accepted, resolvedRefs, reason }) => [
        `${namespace}/${name}`,
        accepted && resolvedRefs ? "served" : `not served: ${reason}`,
        hosts.join(" "),
      ]),
    ),
  ].filter((text) => text.split("\n").length > 2);
  const closed = gateway === null || gateway.programmed ? "" : `\ngateway: ${gateway.reason}\n`;
  const shown = tables.map((text) => `\n${text}`).join("") + closed + describeVolumes(backups);
  return shown + problems.map(told).join("");
}

function told({ what, why, fix, severity }: Problem): string {
  return `\n${severity === "warning" ? "warning: " : ""}${what}\n  why: ${why}\n  fix: ${fix}\n`;
}
