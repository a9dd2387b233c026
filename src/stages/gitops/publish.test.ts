import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Gitops } from "../../config/model.ts";
import { remoteCommit, type Remote } from "../../tools/git/remote.ts";
import { runOrFail } from "../../tools/process/process.ts";
import type { Publishing } from "../context.ts";
import { publish } from "./publish.ts";

let folder: string;
let remote: Remote;
const git = (...args: string[]) => runOrFail({ argv: ["git", ...args], cwd: remote.root }, "git");
const write = (path: string, text: string) => writeFileSync(join(remote.root, path), text);
const publishing = (change: Partial<Publishing> = {}): Publishing => ({
  push: true,
  ask: undefined,
  leaks: () => Promise.resolve([]),
  ...change,
});
const quiet = () => undefined;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "infra-k3s-publish-"));
  const gitops: Gitops = {
    repository: join(folder, "host.git"),
    host: "git.example.com",
    port: 22,
    branch: "main",
    hostKeys: [],
    email: "ops@example.com",
    issuer: "staging",
  };
  remote = { root: join(folder, "work"), gitops, key: "" };
  await runOrFail({ argv: ["git", "init", "--quiet", "--bare", gitops.repository] }, "git");
  await runOrFail({ argv: ["git", "init", "--quiet", "--initial-branch=main", remote.root] }, "git");
  await git("config", "user.email", "me@example.com");
  await git("config", "user.name", "me");
  write(".gitignore", ".infra-k3s/\n");
});
afterEach(() => rmSync(folder, { recursive: true }));

test("what is not at the git host is committed and pushed, once", async () => {
  write("cluster.yaml", "name: a\n");
  const first = await publish(remote, publishing(), quiet);
  expect(first).toEqual({ commit: await remoteCommit(remote), changed: 2 });
  expect(await git("log", "-1", "--format=%s")).toBe("infra-k3s: .gitignore, cluster.yaml");
  expect(await publish(remote, publishing({ push: false }), quiet)).toEqual({ ...first, changed: 0 });
});

test("a commit of one's own is only pushed", async () => {
  await git("add", "--all");
  await git("commit", "--quiet", "--message=mine");
  expect((await publish(remote, publishing(), quiet)).changed).toBe(1);
});

test("nothing is pushed that nobody said yes to", async () => {
  const asked: string[] = [];
  const ask = (question: string) => {
    asked.push(question);
    return Promise.resolve(false);
  };
  await expect(publish(remote, publishing({ push: false }), quiet)).rejects.toThrow("infra-k3s up --push");
  await expect(publish(remote, publishing({ push: false, ask }), quiet)).rejects.toThrow(
    "nothing was pushed",
  );
  expect(asked[0]).toContain("not committed: .gitignore");
  expect(await remoteCommit(remote)).toBeUndefined();
});

const leaks = () => Promise.resolve(["a.yaml:1: the Secret x is in plain text"]);

test("nothing is committed with a secret in it", async () => {
  await expect(publish(remote, publishing({ leaks }), quiet)).rejects.toThrow("a.yaml:1");
  expect(await remoteCommit(remote)).toBeUndefined();
});

test("what somebody else pushed is neither overwritten nor passed over", async () => {
  await publish(remote, publishing(), quiet);
  const other = join(folder, "other");
  await runOrFail(
    { argv: ["git", "clone", "--quiet", "--branch=main", remote.gitops.repository, other] },
    "git",
  );
  const theirs = {
    cwd: other,
    env: {
      GIT_AUTHOR_NAME: "x",
      GIT_AUTHOR_EMAIL: "x@x",
      GIT_COMMITTER_NAME: "x",
      GIT_COMMITTER_EMAIL: "x@x",
    },
  };
  await runOrFail({ argv: ["git", "commit", "--quiet", "--allow-empty", "-m", "theirs"], ...theirs }, "git");
  await runOrFail({ argv: ["git", "push", "--quiet", "origin", "HEAD:main"], ...theirs }, "git");
  const before = await remoteCommit(remote);
  write("cluster.yaml", "name: b\n");
  await expect(publish(remote, publishing(), quiet)).rejects.toThrow(
    "git pull --rebase origin main --autostash",
  );
  expect(await remoteCommit(remote)).toBe(before);
});

test("another branch than the cluster follows is not pushed", async () => {
  await git("switch", "--quiet", "--create", "try");
  await expect(publish(remote, publishing(), quiet)).rejects.toThrow("the cluster follows main");
});

test("a folder of a larger repository is refused", async () => {
  const inner = { ...remote, root: join(remote.root, ".infra-k3s") };
  await publish(remote, publishing(), quiet);
  await expect(publish(inner, publishing(), quiet)).rejects.toThrow("in a folder of a larger git repository");
});

test("what a publication is not about is neither committed nor in its way", async () => {
  await publish(remote, publishing(), quiet);
  write("cluster.yaml", "name: a\n");
  write("shop.yaml", "kind: x\n");
  await publish(remote, publishing(), quiet, { about: (path) => path === "shop.yaml" });
  expect(await git("show", "--name-only", "--format=", "HEAD")).toBe("shop.yaml");
  expect(await git("status", "--porcelain")).toBe("?? cluster.yaml");
  expect(await remoteCommit(remote)).toBe(await git("rev-parse", "HEAD"));
});
