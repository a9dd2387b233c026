import type { Gitops } from "../../config/model.ts";
import { EXIT, UserError } from "../../output/errors.ts";
import type { Emit } from "../../output/events.ts";
import { commitPaths, git, headCommit } from "../../tools/git/git.ts";
import { push, type Remote } from "../../tools/git/remote.ts";
import type { Publishing } from "../context.ts";
import { lookAtGit } from "./observe.ts";
import { commitMessage, some, unpublished } from "./plan.ts";

export interface Published {
  /** What the git host's branch and HEAD are at. */
  commit: string;
  changed: number;
}

interface Scope {
  /** The paths that are to be committed; others stay as they are. */
  about?: (path: string) => boolean;
  /** Whether the cluster follows the branch already: `unpublished`. */
  following?: boolean;
}

/**
 * The git host has what is here, or nothing goes on: the cluster follows the git host and not this work tree. What differs
 * is committed and pushed where that was asked for, or a person says so now. `only`: the paths that this is about.
 */
export async function publish(
  remote: Remote,
  publishing: Publishing,
  emit: Emit,
  { about = () => true, following = false }: Scope = {},
): Promise<Published> {
  const { root, gitops } = remote;
  const seen = await lookAtGit(remote);
  const state = { ...seen, dirty: seen.dirty.filter(about) };
  const all = unpublished(state);
  if (all === "" && state.head !== undefined) return { commit: state.head, changed: 0 };
  const reason = following && !publishing.push ? unpublished(state, true) : all;
  if (reason === "" && state.remote !== undefined) {
    const message = `${gitops.branch} at ${gitops.host}: ${all}; nothing that the cluster reads. To bring it there: infra-k3s up --push`;
    emit({ event: "log", level: "info", message });
    return { commit: state.remote, changed: 0 };
  }
  await refuse(root, gitops, state);
  if (!publishing.push) await askFirst(gitops, reason, publishing);
  let changed = 1;
  if (state.dirty.length > 0) {
    await commit(remote, state.dirty, publishing);
    emit({ event: "log", level: "info", message: `committed: ${some(state.dirty)}` });
    changed = 2;
  }
  await push(remote);
  const head = await headCommit(root);
  if (head === undefined) throw new Error("a commit was made, and there is none");
  emit({
    event: "log",
    level: "info",
    message: `pushed ${head.slice(0, 7)} to ${gitops.branch} of ${gitops.repository}`,
  });
  return { commit: head, changed };
}

/** Commits what differs, after a look for secrets in the repository. */
export async function commit(
  { root, gitops }: Pick<Remote, "root" | "gitops">,
  paths: readonly string[],
  { leaks }: Pick<Publishing, "leaks">,
): Promise<void> {
  const found = await leaks();
  if (found.length > 0) {
    throw new UserError({
      what: "nothing was committed: there is something in the repository that must not be in git as it is",
      why: found.join("\n"),
      fix: "infra-k3s secrets check says what to do about each",
    });
  }
  await commitPaths(root, paths, commitMessage(paths), gitops.email);
}

type State = Awaited<ReturnType<typeof lookAtGit>>;

/** What a push would not mend. */
async function refuse(root: string, { branch, host }: Gitops, state: State): Promise<void> {
  if (state.branch !== undefined && state.branch !== branch) {
    throw new UserError({
      what: `the work tree is on the branch ${state.branch}, and the cluster follows ${branch}`,
      why: unpublished(state),
      fix: `git switch ${branch}, or bring what is here into ${branch}, and run this again`,
    });
  }
  if (state.remote === undefined || state.remote === state.head) return;
  const ancestor =
    state.head !== undefined &&
    (await git(root, ["merge-base", "--is-ancestor", state.remote, state.head])) !== undefined;
  if (ancestor) return;
  throw new UserError({
    what: `${branch} at ${host} has commits that are not here`,
    why: `it is at ${state.remote.slice(0, 7)}`,
    fix: `take them in: git pull --rebase origin ${branch}${state.dirty.length > 0 ? " --autostash" : ""}; then run this again`,
  });
}

async function askFirst({ branch, repository }: Gitops, reason: string, { ask }: Publishing): Promise<void> {
  const what = `${branch} of ${repository} is not what is here`;
  const fix =
    "look at it (git status, git diff), then commit and push it, or have it done: infra-k3s up --push";
  if (ask === undefined) throw new UserError({ what, why: reason, fix }, EXIT.failed);
  if (await ask(`${what}: ${reason}.\nCommit and push it now?`)) return;
  throw new UserError({ what: "nothing was pushed, so the cluster does not follow yet", why: reason, fix });
}
