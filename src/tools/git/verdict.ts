import type { Fault } from "../../output/errors.ts";

/** Who speaks to the git host: the operator with a key of theirs, or the cluster with its deploy key. */
export interface Speaker {
  who: "operator" | "cluster";
  repository: string;
  host: string;
  branch: string;
  /** The public half of the deploy key; of the operator's key its path, empty where ssh chooses. */
  key: string;
}

/** Why git or its ssh failed, and what to do; from the words git, OpenSSH, GitHub, GitLab and Gitea print. */
export function gitVerdict(stderr: string, speaker: Speaker): Pick<Fault, "why" | "fix"> {
  const { repository, host, branch } = speaker;
  const register =
    speaker.who === "cluster"
      ? `add this as a deploy key of the repository at ${host}, reading only:\n${speaker.key}`
      : speaker.key === ""
        ? `add your public SSH key to your account at ${host}, or set INFRA_K3S_SSH_KEY in .envrc.local to one that is`
        : `add the public half of ${speaker.key} to your account at ${host}`;
  const verdicts: [RegExp, string, string][] = [
    [
      /REMOTE HOST IDENTIFICATION HAS CHANGED|Host key verification failed|No \S+ host key is known/,
      `${host} shows another key than those pinned in cluster.yaml: it was renewed, or somebody is in between`,
      `compare with the fingerprints that ${host} publishes; if they are its own, pin them: infra-k3s init --repository ${repository}`,
    ],
    [/Permission denied \(|Permission denied, please|Too many authentication failures/, `${host} does not know the key`, register],
    [
      /marked as read.only|read.only (deploy )?key|deploy key does not have write|does not have write access|not allowed to push|DENIED|denied to /i,
      "the key may read the repository and not write it",
      `push with a key of an account that may write; the deploy key stays the cluster's`,
    ],
    [
      /Repository not found|repository '.*' not found|does not appear to be a git repository|project you were looking for could not be found|Could not find repository|repository does not exist/i,
      `${host} has no ${repository}, or does not show it to this key`,
      speaker.who === "cluster" ? register : `make the repository at ${host}, empty, or correct gitops.repository in cluster.yaml`,
    ],
    [
      /protected branch|GH006|GH013|pre-receive hook declined|hook declined/i,
      `${host} does not let anybody push to ${branch} directly`,
      `push to another branch, have it merged into ${branch}, git pull, and run this again`,
    ],
    [
      /non-fast-forward|fetch first|remote contains work|\[rejected\]/i,
      `${branch} at ${host} has commits that are not here`,
      `take them in first: git pull --rebase origin ${branch}`,
    ],
    [
      /Could not resolve host|Temporary failure in name resolution|Name or service not known/i,
      `the name ${host} can't be resolved`,
      speaker.who === "cluster"
        ? "infra-k3s doctor looks at the cluster's DNS"
        : "check the network, and gitops.repository in cluster.yaml",
    ],
    [
      /timed out|No route to host|Network is unreachable|Connection refused/i,
      `${host} does not answer`,
      speaker.who === "cluster"
        ? `check that the servers may reach ${host} by SSH`
        : "check the network, and whether the git host is up",
    ],
    [
      /Connection (closed|reset) by|kex_exchange_identification|unexpectedly closed/i,
      `${host} answers and hangs up`,
      "the git host may be out of order: try again",
    ],
  ]; // prettier-ignore
  const found = verdicts.find(([pattern]) => pattern.test(stderr));
  if (found !== undefined) return { why: found[1], fix: found[2] };
  return { why: stderr.trim() || "git said nothing", fix: `try by hand: git ls-remote ${repository}` };
}
