import { existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Gitops } from "../../config/model.ts";
import { UserError } from "../../output/errors.ts";
import { run } from "../process/process.ts";
import { sshCommand } from "./remote.ts";
import { gitVerdict } from "./verdict.ts";

export interface Source {
  /** A URL, or a folder of this machine. */
  repository: string;
  branch: string;
  /** Whose host keys are trusted, where it is the host of `repository`; else those that ssh knows by itself. */
  gitops: Gitops | null;
  /** Path of a private key; empty leaves the choice to ssh. */
  key: string;
}

/** Clones a branch with all of its history into a folder that is not there yet: whole, or not at all. */
export async function clone({ repository, branch, gitops, key }: Source, folder: string): Promise<void> {
  const partial = `${folder}.partial`;
  rmSync(partial, { recursive: true, force: true });
  mkdirSync(dirname(partial), { recursive: true });
  mkdirSync(partial, { mode: 0o700 });
  const pinned = gitops !== null && repository.includes(gitops.host);
  const ssh = pinned ? { GIT_SSH_COMMAND: sshCommand({ root: partial, gitops, key }) } : {};
  const into = join(partial, "repository");
  const { exitCode, stderr } = await run({
    argv: ["git", "clone", "--quiet", "--branch", branch, "--", repository, into],
    env: { LC_ALL: "C", GIT_TERMINAL_PROMPT: "0", ...ssh },
    timeout: 600_000,
  });
  if (exitCode === 0 && existsSync(into)) renameSync(into, folder);
  rmSync(partial, { recursive: true, force: true });
  if (exitCode === 0) return;
  const host = gitops?.host ?? repository;
  throw new UserError({
    what: `${repository} can't be cloned`,
    ...gitVerdict(stderr, { who: "operator", repository, host, branch, key }),
  });
}
