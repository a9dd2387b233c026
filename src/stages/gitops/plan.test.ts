import { expect, test } from "vitest";
import { app, COMMIT } from "./application.fake.ts";
import type { Look } from "./parse.ts";
import {
  bootstrapReasons,
  commitMessage,
  plan,
  type Seen,
  secretReasons,
  standing,
  type Wanted,
} from "./plan.ts";

const REPOSITORY = "ssh://git@github.com/you/cluster.git";
const wanted: Wanted = {
  gitops: { repository: REPOSITORY, branch: "main", hostKeys: ["ssh-ed25519 AAAA", "ssh-rsa BBBB"] },
  ageKeys: "1",
  deployKey: "2",
};
const root = app("cluster", { repoURL: REPOSITORY });
const look: Look = {
  ageKeys: "1",
  repository: { url: REPOSITORY, type: "git", project: "cluster", key: "2", label: "repository" },
  knownHosts: "# ours\ngithub.com ssh-ed25519 AAAA\ngithub.com ssh-rsa BBBB\n",
  projects: { cluster: [REPOSITORY], default: [] },
  applications: [root],
};
const empty: Look = { ageKeys: null, repository: null, knownHosts: null, projects: {}, applications: [] };
const seen: Seen = {
  toSeal: [],
  git: { dirty: [], head: COMMIT, remote: COMMIT, unpushed: [] },
  look,
  wanted,
};

test("a cluster that follows its repository is left alone", () => {
  expect(plan(seen)).toEqual([]);
  expect(standing(seen)).toEqual({ state: "ok", reason: "the cluster is what git says" });
});

test("a new cluster gets the keys and ArgoCD", () => {
  expect(plan({ ...seen, look: empty }).map(({ resource }) => resource)).toEqual([
    "the cluster's age key and deploy key",
    "ArgoCD",
  ]);
  expect(standing({ ...seen, look: empty }).state).toBe("absent");
});

test.each<[string, Partial<Look>]>([
  ["the cluster has another age key", { ageKeys: "9" }],
  ["the cluster has another deploy key", { repository: { ...look.repository!, key: "9" } }],
  ["the deploy key is for another repository", { repository: { ...look.repository!, url: "ssh://x" } }],
  ["the deploy key is for another repository", { repository: { ...look.repository!, label: "" } }],
])("%s", (reason, change) => {
  expect(secretReasons({ ...look, ...change }, wanted)).toEqual([reason]);
});

test.each<[string, Partial<Look>]>([
  [
    "ArgoCD follows ssh://git@old.example.com/c.git",
    { applications: [{ ...root, repoURL: "ssh://git@old.example.com/c.git" }] },
  ],
  ["ArgoCD follows old", { applications: [{ ...root, targetRevision: "old" }] }],
  ["the project `cluster` allows other repositories", { projects: { cluster: ["*"] } }],
  ["ArgoCD trusts other host keys", { knownHosts: "github.com ssh-ed25519 AAAA\n" }],
  ["ArgoCD trusts other host keys", { knownHosts: `${look.knownHosts}github.com ssh-ed25519 CCCC\n` }],
])("ArgoCD is brought up anew where %s", (reason, change) => {
  expect(bootstrapReasons({ ...look, ...change }, wanted)).toEqual([reason]);
});

const reasonOf = (change: Partial<Seen["git"]>, following = false) => {
  const applications = following ? look.applications : [];
  return plan({ ...seen, look: { ...look, applications }, git: { ...seen.git, ...change } })[0]?.reason;
};

test("before ArgoCD follows it, whatever is not at the git host is said", () => {
  expect(reasonOf({ dirty: ["a", "b", "c", "d", "e", "f"] })).toBe("not committed: a, b, c, d and 2 more");
  expect(reasonOf({ head: undefined, remote: undefined })).toBe("nothing is committed yet");
  expect(reasonOf({ remote: undefined })).toBe("the git host has no such branch yet");
  expect(reasonOf({ remote: "b".repeat(40) })).toBe("it is at bbbbbbb, here is aaaaaaa");
});

test("once it does, only what it reads and is here alone", () => {
  expect(reasonOf({ dirty: ["servers.json"], unpushed: ["cluster.yaml"] }, true)).toBeUndefined();
  expect(reasonOf({ dirty: ["servers.json", "kubernetes/apps/a/x.yaml"] }, true)).toBe(
    "not committed: kubernetes/apps/a/x.yaml",
  );
  expect(reasonOf({ unpushed: ["kubernetes/apps/a/x.yaml"] }, true)).toBe(
    "not pushed: kubernetes/apps/a/x.yaml",
  );
  expect(reasonOf({ remote: "b".repeat(40) }, true)).toBeUndefined();
});

test("an Application that is not as git says is told", () => {
  const late = { ...root, name: "traefik", health: "Degraded", operation: { phase: "", message: "" } };
  const state = standing({ ...seen, look: { ...look, applications: [root, late] } });
  expect(state).toEqual({ state: "changed", reason: "traefik: Synced, Degraded" });
});

test("a commit says what it is about", () => {
  const paths = [
    "cluster.yaml",
    "kubernetes/apps/shop/deployment.yaml",
    "kubernetes/infrastructure/traefik/x.yaml",
  ];
  expect(commitMessage(paths)).toBe(
    `infra-k3s: apps/shop, cluster.yaml, infrastructure/traefik\n\n${paths.map((path) => `${path}\n`).join("")}`,
  );
});
