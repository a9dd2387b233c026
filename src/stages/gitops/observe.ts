import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Gitops } from "../../config/model.ts";
import { UserError } from "../../output/errors.ts";
import { everyRecipient, parseRules, RULES_FILE } from "../../secrets/rules.ts";
import { changedPaths, currentBranch, git, headCommit, requireRepository } from "../../tools/git/git.ts";
import { type Remote, remoteCommit } from "../../tools/git/remote.ts";
import { AGE_KEY_FILE, readAgeKeys } from "../../tools/sops/age.ts";
import { openSealed } from "../../tools/sops/seal.ts";
import type { Sops } from "../../tools/sops/sops.ts";
import { runPython } from "../../tools/ssh/python.ts";
import { sshVerdict } from "../../tools/ssh/ssh.ts";
import { type ClusterContext, masterTarget } from "../context.ts";
import { type Look, LookSchema } from "./parse.ts";
import type { GitState, Wanted } from "./plan.ts";
import { DEPLOY_KEY } from "./sealed.ts";

export const LOOK = readFileSync(join(import.meta.dirname, "look.py"), "utf8");

/** What the cluster needs to read the repository. Private: never logged. */
export interface Keys {
  /** As the file that SOPS_AGE_KEY_FILE names. */
  ageKeys: string;
  /** OpenSSH's format. */
  deployKey: string;
}

export function wantedOf(gitops: Gitops, { ageKeys, deployKey }: Keys): Wanted {
  return { gitops, ageKeys: hash(ageKeys), deployKey: hash(deployKey) };
}

const hash = (text: string) => createHash("sha256").update(text).digest("hex");

/** The keys out of the repository: of `.age-key.local` all that are the cluster's, older ones too; the deploy key as it is sealed. */
export async function readKeys(sops: Sops): Promise<Keys> {
  const { root } = sops;
  const rules = parseRules(readFileSync(join(root, RULES_FILE), "utf8"));
  const recovery = everyRecipient(rules).find(({ name }) => name === "recovery")?.key;
  const own = (await readAgeKeys(root)).filter(({ recipient }) => recipient !== recovery);
  if (own.length === 0) {
    throw new UserError({
      what: `the cluster's age key is not in ${AGE_KEY_FILE}`,
      why: "without it the cluster can open nothing of what is encrypted",
      fix: `restore ${AGE_KEY_FILE} from where you keep it, or make a new one with the recovery key: SOPS_AGE_KEY=… infra-k3s secrets rotate --renew cluster`,
    });
  }
  const deployKey = await openSealed(sops, DEPLOY_KEY);
  if (deployKey === undefined) {
    throw new UserError({
      what: `there is no deploy key: ${DEPLOY_KEY.path}`,
      why: "the cluster reads the repository with one",
      fix: "make it: infra-k3s init --repository URL",
    });
  }
  return { ageKeys: own.map(({ identity }) => `${identity}\n`).join(""), deployKey };
}

/** What of GitOps is in the cluster, in one round trip. */
export async function lookAtCluster(context: ClusterContext): Promise<Look> {
  const target = masterTarget(context);
  const program = `${LOOK}\n\njson.dump(look(), sys.stdout)\n`;
  const result = await runPython(target, program, {}, { timeout: 60_000 });
  if (result.exitCode === 0) return LookSchema.parse(JSON.parse(result.stdout));
  if (result.exitCode === 255)
    throw new UserError({ what: "the master can't be reached by SSH", ...sshVerdict(result.stderr, target) });
  throw new UserError({
    what: "the cluster can't be asked",
    why: result.timedOut
      ? "no answer after a minute"
      : result.stderr.trim().split("\n").at(-1) || "no answer",
    fix: "infra-k3s status",
  });
}

export function remoteOf({ root, secrets }: ClusterContext, gitops: Gitops): Remote {
  return { root, gitops, key: secrets.INFRA_K3S_SSH_KEY ?? "" };
}

/** Where the work tree stands beside the git host. */
export async function lookAtGit(remote: Remote): Promise<GitState & { branch: string | undefined }> {
  const { root } = remote;
  await requireRepository(root);
  const prefix = await git(root, ["rev-parse", "--show-prefix"]);
  if (prefix !== undefined && prefix !== "") {
    throw new UserError({
      what: "the cluster is in a folder of a larger git repository",
      why: `ArgoCD looks for kubernetes/ at the repository's root, and here it is in ${prefix}`,
      fix: "give the cluster a repository of its own",
    });
  }
  const [dirty, head, branch, theirs] = await Promise.all([
    changedPaths(root),
    headCommit(root),
    currentBranch(root),
    remoteCommit(remote),
  ]);
  return { dirty, head, branch, remote: theirs, unpushed: await unpushedPaths(remote, theirs) };
}

/** What commits change that the git host has not: from the last commit that both have, as far as it is known here. */
async function unpushedPaths({ root, gitops }: Remote, theirs: string | undefined): Promise<string[]> {
  const known = [theirs ?? "", `refs/remotes/origin/${gitops.branch}`];
  for (const base of known.filter(Boolean)) {
    const names = await git(root, ["diff", "--name-only", "-z", `${base}...HEAD`]);
    if (names !== undefined) return names.split("\0").filter(Boolean);
  }
  return [];
}

/** The public half of the deploy key, to be shown to a person. */
export function publicDeployKey(root: string, path: string): string {
  const file = join(root, path);
  return existsSync(file)
    ? readFileSync(file, "utf8").trim()
    : `(${path} is missing: infra-k3s init --repository URL)`;
}
