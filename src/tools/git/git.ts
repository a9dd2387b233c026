import { UserError } from "../../output/errors.ts";
import { run, runOrFail } from "../process/process.ts";

/** Set by git for its hooks: `git commit -a` has an index of its own, which is the one to be looked at. */
function hookEnvironment(): Record<string, string> {
  return Object.fromEntries(
    ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"].flatMap((name) => {
      const value = process.env[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
}

/** What git says, without its last newline; undefined when it refuses. */
export async function git(root: string, args: readonly string[]): Promise<string | undefined> {
  const result = await run({ argv: ["git", ...args], cwd: root, env: hookEnvironment() });
  return result.exitCode === 0 ? result.stdout : undefined;
}

export async function requireRepository(root: string): Promise<void> {
  if ((await git(root, ["rev-parse", "--git-dir"])) !== undefined) return;
  throw new UserError({ what: `${root} is in no git repository`, fix: "make it one: git init" });
}

/** The paths that git prints with `-z`. */
export async function paths(root: string, args: readonly string[]): Promise<string[]> {
  const text = await git(root, args);
  if (text === undefined) throw new UserError({ what: `git ${args.join(" ")} failed in ${root}` });
  return text.split("\0").filter((path) => path !== "");
}

/** The regular files of the index: no links, no submodules. */
export async function indexed(root: string): Promise<string[]> {
  const entries = await paths(root, ["ls-files", "--stage", "-z"]);
  return entries
    .filter((entry) => entry.startsWith("100"))
    .map((entry) => entry.slice(entry.indexOf("\t") + 1));
}

/** A file's text at a commit; of the index where that is empty. */
export function textAt(root: string, commit: string, path: string): Promise<string | undefined> {
  return git(root, ["show", `${commit}:./${path}`]);
}

export interface Version {
  /** Short. */
  commit: string;
  /** Seconds since 1970. */
  time: number;
  text: string;
}

/** Every version a file ever had, the newest first; `everywhere`: on any branch. */
export async function versionsOf(root: string, path: string, everywhere: boolean): Promise<Version[]> {
  const all = everywhere ? ["--all"] : [];
  const log = await git(root, ["log", ...all, "--format=%h %ct", "--diff-filter=AMR", "--", path]);
  const versions: Version[] = [];
  for (const line of (log ?? "").split("\n").filter(Boolean)) {
    const [commit = "", time = ""] = line.split(" ");
    const text = await textAt(root, commit, path);
    if (text !== undefined) versions.push({ commit, time: Number(time), text });
  }
  return versions;
}

/** Every path that was ever in git, on any branch, and that the pathspec matches. */
export async function everPresent(root: string, pathspec: string): Promise<string[]> {
  const log = await git(root, [
    "log", "--all", "--format=", "--name-only", "--relative", "-z", "--diff-filter=AMR", "--", pathspec,
  ]); // prettier-ignore
  return [...new Set((log ?? "").split("\0").map((path) => path.trim()))].filter(Boolean);
}

/** The paths that differ from HEAD, untracked ones too; a renamed one by both its names. */
export async function changedPaths(root: string): Promise<string[]> {
  const entries = await paths(root, [
    "status",
    "--porcelain=v1",
    "-z",
    "--untracked-files=all",
    "--no-renames",
  ]);
  return entries.map((entry) => entry.slice(3));
}

/** The commit of HEAD; undefined before the first. */
export function headCommit(root: string): Promise<string | undefined> {
  return git(root, ["rev-parse", "--verify", "--quiet", "HEAD^{commit}"]);
}

/** The name of the branch that is checked out; undefined where none is, as in most CI. */
export function currentBranch(root: string): Promise<string | undefined> {
  return git(root, ["symbolic-ref", "--quiet", "--short", "HEAD"]);
}

/** Commits these paths and nothing else; git's hooks run as for any commit. `email` is used where git knows no author. */
export async function commitPaths(
  root: string,
  changed: readonly string[],
  message: string,
  email: string,
): Promise<void> {
  const known = (await git(root, ["config", "user.email"])) !== undefined;
  const author = known ? [] : ["-c", "user.name=infra-k3s", "-c", `user.email=${email}`];
  // A path is no pattern.
  const only = ["--literal-pathspecs"];
  await runOrFail(
    { argv: ["git", ...only, "add", "--all", "--", ...changed], cwd: root },
    "git can't take the changes in",
  );
  const commit = ["commit", "--quiet", `--message=${message}`, "--", ...changed];
  await runOrFail({ argv: ["git", ...only, ...author, ...commit], cwd: root }, "git made no commit");
}
