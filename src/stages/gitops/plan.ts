import type { Gitops } from "../../config/model.ts";
import type { Change } from "../../run/stage.ts";
import { describe, type Look, ROOT, unready } from "./parse.ts";

/** What the cluster must hold before ArgoCD can read the repository by itself. */
export interface Wanted {
  gitops: Pick<Gitops, "repository" | "branch" | "hostKeys">;
  /** sha256 of the age keys that open what is encrypted. */
  ageKeys: string;
  /** sha256 of the deploy key's private half. */
  deployKey: string;
}

/** Why the Secrets have to be handed over; empty: they are as wanted. */
export function secretReasons(look: Look, { gitops, ageKeys, deployKey }: Wanted): string[] {
  const { repository } = look;
  const reasons: string[] = [];
  if (look.ageKeys !== ageKeys)
    reasons.push(look.ageKeys === null ? "the age key is not there" : "the cluster has another age key");
  if (repository === null) reasons.push("the deploy key is not there");
  else if (repository.key !== deployKey) reasons.push("the cluster has another deploy key");
  else if (
    repository.url !== gitops.repository ||
    repository.type !== "git" ||
    repository.project !== "cluster" ||
    repository.label !== "repository"
  )
    reasons.push("the deploy key is for another repository");
  return reasons;
}

/**
 * Why ArgoCD has to be brought up by hand; empty: it follows the repository, and all else comes by that. Only what it needs
 * to read the repository counts: the rest it corrects itself.
 */
export function bootstrapReasons(look: Look, { gitops }: Wanted): string[] {
  const root = look.applications.find(({ name }) => name === ROOT);
  if (root === undefined) return ["ArgoCD follows no repository yet"];
  const reasons: string[] = [];
  if (root.repoURL !== gitops.repository) reasons.push(`ArgoCD follows ${root.repoURL}`);
  else if (root.targetRevision !== gitops.branch) reasons.push(`ArgoCD follows ${root.targetRevision}`);
  if (JSON.stringify(look.projects["cluster"]) !== JSON.stringify([gitops.repository]))
    reasons.push("the project `cluster` allows other repositories");
  if (!knows(look.knownHosts ?? "", gitops.hostKeys)) reasons.push("ArgoCD trusts other host keys");
  return reasons;
}

const keyOf = (line: string) => line.trim().split(/\s+/).slice(1, 3).join(" ");

function knows(knownHosts: string, hostKeys: readonly string[]): boolean {
  const known = knownHosts.split("\n").filter((line) => line.trim() !== "" && !line.startsWith("#"));
  const keys = new Set(known.map(keyOf));
  return hostKeys.every((key) => keys.has(key)) && [...keys].every((key) => hostKeys.includes(key));
}

/** Where the work tree stands beside the git host. */
export interface GitState {
  /** Paths that differ from HEAD. */
  dirty: readonly string[];
  /** Undefined before the first commit. */
  head: string | undefined;
  /** What the branch is at the git host; undefined where it is not. */
  remote: string | undefined;
  /** Paths that commits change which are here alone. */
  unpushed: readonly string[];
}

export interface Seen {
  toSeal: readonly { path: string; reason: string }[];
  git: GitState;
  look: Look;
  wanted: Wanted;
}

const change = (action: Change["action"], resource: string, reason: string): Change => ({
  stage: "gitops",
  action,
  resource,
  reason,
  protected: false,
});

/** What the stage would do. */
export function plan({ toSeal, git, look, wanted }: Seen): Change[] {
  const changes = toSeal.map(({ path, reason }) => change("update", path, reason));
  const reason = unpublished(git, follows(look, wanted));
  if (reason !== "" || toSeal.length > 0)
    changes.push(
      change(
        "update",
        `the branch ${wanted.gitops.branch} at the git host`,
        reason || "sealed files are to come",
      ),
    );
  const secrets = secretReasons(look, wanted);
  if (secrets.length > 0)
    changes.push(change("update", "the cluster's age key and deploy key", secrets.join("; ")));
  const bootstrap = bootstrapReasons(look, wanted);
  if (bootstrap.length > 0) changes.push(change("create", "ArgoCD", bootstrap.join("; ")));
  return changes;
}

/** Whether the cluster follows the repository already: then only what it reads has to be at the git host. */
export function follows(look: Look, wanted: Wanted): boolean {
  return bootstrapReasons(look, wanted).length === 0;
}

const isRead = (path: string) => path.startsWith("kubernetes/");

/**
 * How the git host's branch differs from what is here; empty: it does not. To a cluster that follows it, only what ArgoCD reads
 * counts, and what others have pushed is no fault: git is the way in for all.
 */
export function unpublished({ dirty, head, remote, unpushed }: GitState, following = false): string {
  if (following) {
    const [changed, committed] = [dirty.filter(isRead), unpushed.filter(isRead)];
    if (changed.length > 0) return `not committed: ${some(changed)}`;
    return committed.length > 0 ? `not pushed: ${some(committed)}` : "";
  }
  if (dirty.length > 0) return `not committed: ${some(dirty)}`;
  if (head === undefined) return "nothing is committed yet";
  if (remote === undefined) return "the git host has no such branch yet";
  return head === remote ? "" : `it is at ${remote.slice(0, 7)}, here is ${head.slice(0, 7)}`;
}

/** How the stage stands, once git and the cluster were looked at. */
export function standing({ toSeal, git, look, wanted }: Seen): {
  state: "ok" | "changed" | "absent";
  reason: string;
} {
  const bootstrap = bootstrapReasons(look, wanted);
  if (look.applications.length === 0) return { state: "absent", reason: bootstrap.join("; ") };
  const differing = [
    ...bootstrap,
    ...secretReasons(look, wanted),
    ...toSeal.map(({ path, reason }) => `${path}: ${reason}`),
    ...[unpublished(git, bootstrap.length === 0)].filter(Boolean),
  ];
  const late = unready(look.applications, git.remote ?? "");
  const first = look.applications.find(({ name }) => late.includes(name));
  if (late.length > 0 && differing.length === 0)
    differing.push(first === undefined ? `not there: ${late.join(", ")}` : describe(first, git.remote ?? ""));
  return differing.length === 0
    ? { state: "ok", reason: "the cluster is what git says" }
    : { state: "changed", reason: differing.join("; ") };
}

/** The first few of many. */
export function some(paths: readonly string[]): string {
  const more = paths.length - 4;
  return paths.slice(0, 4).join(", ") + (more > 0 ? ` and ${more} more` : "");
}

/** What a commit of ours says: which parts of the repository it is about, then every path. */
export function commitMessage(paths: readonly string[]): string {
  const parts = [...new Set(paths.map(partOf))].sort();
  return `infra-k3s: ${some(parts)}\n\n${paths.map((path) => `${path}\n`).join("")}`;
}

function partOf(path: string): string {
  const [first = "", second, third] = path.split("/");
  if (first !== "kubernetes") return first;
  return third === undefined
    ? (second ?? first)
    : [second, third].filter((part) => !part?.includes(".")).join("/");
}
