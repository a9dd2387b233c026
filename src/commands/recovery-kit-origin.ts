import type { ClusterModel } from "../config/model.ts";
import type { Fault } from "../output/errors.ts";
import type { Manifest } from "../recovery-kit/kit.ts";
import { changedPaths, currentBranch, git, headCommit } from "../tools/git/git.ts";

/** Where the repository comes from, and what tells it from others. */
export interface Origin {
  /** Its first commit. */
  id: string;
  git: Manifest["git"];
}

/** What a kit says about git, or why it can't; `notes`: what of the repository the git host does not have. */
export async function originOf(
  root: string,
  { gitops }: ClusterModel,
): Promise<{ origin: Origin | undefined; missing: Fault[]; notes: string[] }> {
  const commit = await headCommit(root);
  const id = (await firstCommits(root))?.at(-1);
  const url = gitops?.repository ?? (await git(root, ["config", "--get", "remote.origin.url"]));
  const missing: Fault[] = [];
  if (commit === undefined) {
    missing.push({
      what: `nothing is committed in ${root}`,
      why: "the kit names the commit that the cluster is restored from",
      fix: "infra-k3s up --push; without a repository that the cluster follows: git add --all, git commit",
    });
  } else if (id === undefined) {
    missing.push({
      what: "this clone has not all of git's history",
      why: "the first commit tells this cluster from others, and older server tokens are in the history of the vault",
      fix: "git fetch --unshallow",
    });
  }
  if (url === undefined) {
    missing.push({
      what: `git knows no place besides ${root} that has this repository`,
      why: "the kit does not hold the repository, only where to clone it from",
      fix: "git remote add origin URL, and push to it",
    });
  }
  if (commit === undefined || id === undefined || url === undefined)
    return { origin: undefined, missing, notes: [] };
  const branch = gitops?.branch ?? (await currentBranch(root)) ?? "";
  return {
    origin: { id, git: { repository: url, branch, commit } },
    missing,
    notes: await unpushed(root, commit),
  };
}

async function unpushed(root: string, commit: string): Promise<string[]> {
  const notes: string[] = [];
  const changed = await changedPaths(root);
  if (changed.length > 0)
    notes.push(`not committed, so that no clone will have it: ${changed.slice(0, 5).join(", ")}${changed.length > 5 ? ` and ${changed.length - 5} more` : ""}`); // prettier-ignore
  const branches = await git(root, ["branch", "--remotes", "--contains", commit]);
  if (branches === undefined || branches.trim() === "")
    notes.push(`the commit ${commit.slice(0, 7)} is on no branch of a git host that is known here: push it`);
  return notes;
}

/** Commits without a parent, the oldest last; undefined where the clone does not reach back to them. */
export async function firstCommits(root: string): Promise<string[] | undefined> {
  if ((await git(root, ["rev-parse", "--is-shallow-repository"])) === "true") return undefined;
  const list = await git(root, ["rev-list", "--max-parents=0", "HEAD"]);
  return list?.split("\n").filter(Boolean);
}
