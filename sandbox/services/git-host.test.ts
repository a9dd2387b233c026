import { createHmac } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { execa } from "execa";
import { afterAll, beforeAll, expect, test } from "vitest";
import { newKeyPair } from "../../src/tools/ssh/key-pair.ts";
import { serveDns } from "./dns.ts";
import { addKey, changeAccounts, createRepository, setWebhook } from "./git-accounts.ts";
import { serveGit } from "./git-host.ts";
import { ensureTrust, issue } from "./trust.ts";

const PORT = 21_000 + (process.pid % 20_000);
const HOOK = "argocd.example.com";
const REPOSITORY = "ops/three-clouds.git";
let state: string;
let work: string;
const closers: (() => void)[] = [];

beforeAll(async () => {
  state = mkdtempSync(join(tmpdir(), "infra-k3s-git-"));
  mkdirSync(join(state, "logs"));
  await createRepository(state, REPOSITORY);
  await createRepository(state, "ops/other.git");
  for (const name of ["person", "deploy", "stranger"]) {
    const { privateKey, publicKey } = newKeyPair(name);
    writeFileSync(join(state, name), privateKey, { mode: 0o600 });
    if (name !== "stranger") addKey(state, `${publicKey}\n`, name === "deploy" ? REPOSITORY : null);
  }
  work = join(state, "work");
  await execa("git", ["init", "--quiet", "--initial-branch=main", work]);
  closers.push(await serveDns(["127.0.0.1"], new Map([[HOOK, "127.0.0.1"]]), () => {}, PORT + 1));
  closers.push(
    await serveGit({ stateDir: state, address: "127.0.0.1", port: PORT, dns: `127.0.0.1:${PORT + 1}` }),
  );
});
afterAll(() => {
  for (const close of closers) close();
  rmSync(state, { recursive: true, force: true });
});

/** git with a key; its exit code and words. */
async function git(key: string, ...args: string[]): Promise<string> {
  const options = [
    "IdentitiesOnly=yes",
    "StrictHostKeyChecking=accept-new",
    `UserKnownHostsFile=${state}/known`,
  ];
  const ssh = ["ssh", "-F", "none", "-i", join(state, key), ...options.flatMap((one) => ["-o", one])];
  const result = await execa("git", ["-C", work, ...args], {
    reject: false,
    all: true,
    env: {
      GIT_SSH_COMMAND: ssh.join(" "),
      GIT_CONFIG_GLOBAL: "/dev/null",
      ...Object.fromEntries(
        ["AUTHOR", "COMMITTER"].flatMap((who) => [
          [`GIT_${who}_NAME`, "o"],
          [`GIT_${who}_EMAIL`, "o@example.com"],
        ]),
      ),
    },
  });
  return `${result.exitCode} ${result.all}`;
}
const url = (path = REPOSITORY, user = "git") => `ssh://${user}@127.0.0.1:${PORT}/${path}`;

async function commit(files: Record<string, string | undefined>): Promise<string> {
  for (const [name, content] of Object.entries(files)) {
    if (content === undefined) rmSync(join(work, name));
    else writeFileSync(join(work, name), content);
  }
  await git("person", "add", "--all");
  await git("person", "commit", "--quiet", "--message", "a change");
  return (await git("person", "rev-parse", "HEAD")).slice(2);
}

const log = (): Record<string, unknown>[] =>
  readFileSync(join(state, "logs/git.jsonl"), "utf8")
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Record<string, unknown>);

test("a person pushes, and a deploy key reads what was pushed", async () => {
  const head = await commit({ a: "1" });
  expect(await git("person", "push", url(), "HEAD:refs/heads/main")).toMatch(/^0 /);
  expect(await git("deploy", "ls-remote", url(), "refs/heads/main")).toContain(head);
  expect(log().at(-1)).toMatchObject({
    key: expect.stringMatching(/^SHA256:[A-Za-z0-9+/]{43}$/) as string,
    verb: "upload-pack",
    path: REPOSITORY,
    allowed: true,
  });
});

test("refusals are in GitHub's words", async () => {
  expect(await git("deploy", "push", url(), "HEAD:refs/heads/x")).toMatch(
    /^128 .*ERROR: The key you are authenticating with has been marked as read only\./s,
  );
  for (const [key, path] of [
    ["deploy", "ops/other.git"],
    ["person", "ops/nothing.git"],
    ["person", "../logs"],
  ] as const) {
    expect(await git(key, "ls-remote", url(path))).toMatch(/^128 .*ERROR: Repository not found\./s);
  }
  expect(log().at(-1)).toMatchObject({ allowed: false, refusal: "ERROR: Repository not found." });
  expect(await git("stranger", "ls-remote", url())).toMatch(/Permission denied \(publickey\)/);
  expect(await git("person", "ls-remote", url(REPOSITORY, "root"))).toMatch(
    /Permission denied \(publickey\)/,
  );
});

test("there is nothing but git", async () => {
  const ssh = [
    "-F",
    "none",
    "-i",
    join(state, "person"),
    "-p",
    String(PORT),
    "-o",
    `UserKnownHostsFile=${state}/known`,
  ];
  for (const command of ["id", "git-upload-pack ops/three-clouds.git; id", "git-upload-archive 'x'"]) {
    const { exitCode, all } = await execa("ssh", [...ssh, "git@127.0.0.1", command], {
      reject: false,
      all: true,
    });
    expect([exitCode, all]).toEqual([1, "ERROR: unknown command."]);
  }
  const shell = await execa("ssh", [...ssh, "git@127.0.0.1"], { reject: false, all: true, input: "" });
  expect(shell.all).toContain("does not provide shell access");
});

test("a host that is down refuses connections, and answers again when it is up", async () => {
  changeAccounts(state, (accounts) => (accounts.up = false));
  await expect.poll(() => git("person", "ls-remote", url())).toMatch(/Connection refused/);
  changeAccounts(state, (accounts) => (accounts.up = true));
  await expect.poll(() => git("person", "ls-remote", url())).toMatch(/^0 /);
});

test("a push is told as GitHub tells it, signed, to who trusts its certificate; each delivery is in the log", async () => {
  await ensureTrust({ name: "test", id: "test", index: 0 }, state);
  const { key, cert } = await issue(state, "hook", ["other.example.com"]);
  const received: { headers: Record<string, unknown>; body: string }[] = [];
  const receiver = createServer({ key: readFileSync(key), cert: readFileSync(cert) }, (request, response) => {
    void text(request).then((body) => {
      received.push({ headers: request.headers, body });
      return response.writeHead(202).end();
    });
  });
  await new Promise<void>((resolve) => void receiver.listen(0, "127.0.0.1", resolve));
  const at = `https://${HOOK}:${(receiver.address() as AddressInfo).port}/api/webhook`;
  setWebhook(state, REPOSITORY, at, "of an older time");
  setWebhook(state, REPOSITORY, at, "secret");
  const deliveries = () => readFileSync(join(state, "logs/webhooks.jsonl"), "utf8").trim().split("\n");
  const push = () => git("person", "push", url(), "HEAD:refs/heads/main");

  await commit({ b: "1" });
  await push();
  await expect.poll(deliveries).toHaveLength(1);
  expect(deliveries()[0]).toMatch(/Host: argocd\.example\.com\. is not in the cert/);
  expect(received).toEqual([]);

  const own = await issue(state, "hook", [HOOK]);
  receiver.setSecureContext({ key: readFileSync(own.key), cert: readFileSync(own.cert) });
  const before = (await git("person", "rev-parse", "HEAD")).slice(2);
  await commit({ a: "2", b: undefined });
  const after = await commit({ c: "1" });
  await push();
  await expect.poll(deliveries).toHaveLength(2);
  expect(JSON.parse(deliveries()[1] ?? "")).toMatchObject({
    url: at,
    ref: "refs/heads/main",
    after,
    status: 202,
  });
  const [{ headers, body }] = received as [(typeof received)[0]];
  const mac = createHmac("sha256", "secret").update(body).digest("hex");
  expect(headers).toMatchObject({ "x-github-event": "push", "x-hub-signature-256": `sha256=${mac}` });
  expect(JSON.parse(body)).toMatchObject({
    ref: "refs/heads/main",
    before,
    after,
    repository: {
      html_url: "https://git.sandbox.internal/ops/three-clouds",
      ssh_url: "ssh://git@git.sandbox.internal/ops/three-clouds.git",
      default_branch: "main",
    },
    commits: [
      { added: [], modified: ["a"], removed: ["b"] },
      { id: after, message: "a change", added: ["c"], modified: [], removed: [] },
    ],
  });
  receiver.close();
});
