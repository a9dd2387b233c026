import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Gitops } from "../../config/model.ts";
import { UserError } from "../../output/errors.ts";
import { type Finished, run } from "../process/process.ts";
import { gitVerdict } from "./verdict.ts";

/** The git host as the operator reaches it: with the key of `.envrc.local`, trusting the keys of `cluster.yaml` alone. */
export interface Remote {
  root: string;
  gitops: Gitops;
  /** Path of a private key; empty leaves the choice to ssh. */
  key: string;
}

/** The commit the branch has at the git host; undefined where there is no such branch yet. */
export async function remoteCommit(remote: Remote): Promise<string | undefined> {
  const { repository, branch } = remote.gitops;
  const result = await ask(remote, ["ls-remote", "--", repository, `refs/heads/${branch}`]);
  if (result.exitCode !== 0) throw failure(remote, "the git host can't be asked", result.stderr);
  return /^[0-9a-f]{40,64}/.exec(result.stdout)?.[0];
}

/** Makes the branch at the git host what HEAD is here; never what would take commits away there. */
export async function push(remote: Remote): Promise<void> {
  const { repository, branch } = remote.gitops;
  const result = await ask(remote, ["push", "--", repository, `HEAD:refs/heads/${branch}`]);
  if (result.exitCode !== 0) throw failure(remote, `nothing was pushed to ${branch}`, result.stderr);
  // As a push to `origin` would: `git status` then knows where the branch is.
  const own = await run({ argv: ["git", "remote", "get-url", "origin"], cwd: remote.root });
  if (own.exitCode === 0)
    await run({ argv: ["git", "update-ref", `refs/remotes/origin/${branch}`, "HEAD"], cwd: remote.root });
}

function failure({ gitops, key }: Remote, what: string, stderr: string): UserError {
  const { repository, host, branch } = gitops;
  return new UserError({
    what,
    ...gitVerdict(stderr, { who: "operator", repository, host, branch, key }),
  });
}

function ask(remote: Remote, args: readonly string[]): Promise<Finished> {
  return run({
    argv: ["git", ...args],
    cwd: remote.root,
    env: { LC_ALL: "C", GIT_TERMINAL_PROMPT: "0", GIT_SSH_COMMAND: sshCommand(remote) },
    timeout: 120_000,
  });
}

/** The ssh that git is to use: no key of a host is trusted but the pinned ones. */
export function sshCommand({ root, gitops, key }: Remote): string {
  const folder = join(root, ".infra-k3s");
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const file = join(folder, "git_known_hosts");
  writeFileSync(file, knownHosts(gitops));
  const options = [
    "BatchMode=yes",
    "StrictHostKeyChecking=yes",
    // Quoted for ssh, which splits it at spaces.
    `UserKnownHostsFile="${file}"`,
    "GlobalKnownHostsFile=/dev/null",
    "UpdateHostKeys=no",
    "ConnectTimeout=10",
    ...(key === "" ? [] : ["IdentitiesOnly=yes"]),
  ];
  const words = ["ssh", ...options.flatMap((option) => ["-o", option]), ...(key === "" ? [] : ["-i", key])];
  // git has a shell read it.
  return words.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(" ");
}

/** The pinned keys as `known_hosts` has them: https://man.openbsd.org/sshd.8#SSH_KNOWN_HOSTS_FILE_FORMAT */
export function knownHosts({ host, port, hostKeys }: Pick<Gitops, "host" | "port" | "hostKeys">): string {
  const name = port === 22 ? host : `[${host}]:${port}`;
  return hostKeys.map((key) => `${name} ${key}\n`).join("");
}
