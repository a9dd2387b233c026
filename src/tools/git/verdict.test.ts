import { expect, test } from "vitest";
import { gitVerdict, type Speaker } from "./verdict.ts";

const operator: Speaker = {
  who: "operator",
  repository: "ssh://git@github.com/you/cluster.git",
  host: "github.com",
  branch: "main",
  key: "/home/you/.ssh/id_ed25519",
};
const cluster: Speaker = { ...operator, who: "cluster", key: "ssh-ed25519 AAAA infra-k3s" };

test.each([
  [
    "Host key verification failed.\nfatal: Could not read from remote repository.",
    "another key than those pinned",
  ],
  ["@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @\nHost key verification failed.", "another key than"],
  [
    "git@github.com: Permission denied (publickey).\nfatal: Could not read from remote",
    "does not know the key",
  ],
  [
    "ERROR: The key you are authenticating with has been marked as read only.",
    "may read the repository and not",
  ],
  ["ERROR: Permission to you/cluster.git denied to someone.", "may read the repository and not"],
  [
    "ERROR: Repository not found.\nfatal: Could not read from remote repository.",
    "has no ssh://git@github.com",
  ],
  ["remote: error: GH006: Protected branch update failed for refs/heads/main.", "does not let anybody push"],
  [
    " ! [rejected]        HEAD -> main (fetch first)\nerror: failed to push some refs",
    "commits that are not here",
  ],
  [" ! [remote rejected] HEAD -> main (pre-receive hook declined)", "does not let anybody push"],
  ["ssh: Could not resolve hostname github.com: Name or service not known", "can't be resolved"],
  ["ssh: connect to host github.com port 22: Connection timed out", "does not answer"],
  ["ssh: connect to host github.com port 22: Connection refused", "does not answer"],
  ["kex_exchange_identification: Connection closed by remote host", "hangs up"],
  ["something new", "something new"],
])("%j is told as: %s", (stderr, why) => {
  expect(gitVerdict(stderr, operator).why).toContain(why);
});

test("the operator is told where their key goes, of the cluster's key the whole line to add", () => {
  const denied = "Permission denied (publickey).";
  expect(gitVerdict(denied, operator).fix).toContain("/home/you/.ssh/id_ed25519");
  expect(gitVerdict(denied, { ...operator, key: "" }).fix).toContain("INFRA_K3S_SSH_KEY");
  expect(gitVerdict(denied, cluster).fix).toContain("ssh-ed25519 AAAA infra-k3s");
  // GitHub says so of a private repository that the key does not open.
  expect(gitVerdict("ERROR: Repository not found.", cluster).fix).toContain("ssh-ed25519 AAAA infra-k3s");
});
