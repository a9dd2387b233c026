import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Artifacts, ensureArtifacts } from "../artifacts/artifacts.ts";
import { ensureAccount } from "../clouds/cloudflare/account.ts";
import { run } from "../command.ts";
import { down } from "../lifecycle/down.ts";
import { createNetwork } from "../network/create.ts";
import { placeCommand } from "../network/places.ts";
import { ipv4, type Place, type Plan } from "../network/plan.ts";
import { sandboxId, stateFolder } from "../paths.ts";
import { setDnsLag } from "./dns-lag.ts";
import { faultsFile, setFaults } from "./faults.ts";
import { addKey, createRepository, repositoryUrl, setWebhook } from "./git-accounts.ts";
import { GIT_HOST, PEBBLES } from "./names.ts";
import { startLink, startServices } from "./start.ts";
import { ensureTrust } from "./trust.ts";

const NAME = "check-gitops";
const PLAN: Plan = { name: NAME, id: sandboxId(NAME), index: 14 };
const STATE = stateFolder(NAME);
const ZONE = "example.com";
const HOOK = `argocd.${ZONE}`;
const [PRODUCTION = "", STAGING = ""] = Object.keys(PEBBLES);

/**
 * What GitOps and TLS have to do with outside, alone: certificates of both Let's Encrypts by DNS-01, git over SSH, a webhook. No
 * host, no Kubernetes. Needs root; leaves nothing.
 */
export async function checkGitops(artifacts: Artifacts, log: (line: string) => void): Promise<void> {
  try {
    await start(artifacts);
    for (const [name, check] of Object.entries(checks)) {
      await check();
      log(`ok ${name}`);
    }
  } finally {
    await down(NAME);
  }
}

interface Obtained {
  key: string;
  chain: string;
  refused: number;
  urls: string[];
}

const checks = {
  "a certificate for apex and wildcard, with half of the nonces refused and records that come late":
    async () => {
      setDnsLag(STATE, 2);
      setFaults(faultsFile(STATE), [{ host: PRODUCTION, method: "POST", badNonce: 0.5, times: 1000 }]);
      const got = await obtain(PRODUCTION);
      setFaults(faultsFile(STATE), []);
      setDnsLag(STATE, 0);
      assert.ok(got.refused > 3, `${got.refused} refused nonces`);
      for (const url of got.urls) assert.match(url, new RegExp(`^https://${PRODUCTION}/`));
      const certificate = new X509Certificate(got.chain);
      assert.deepEqual(certificate.subjectAltName?.split(", ").sort(), [`DNS:*.${ZONE}`, `DNS:${ZONE}`]);
      writeFileSync(join(STATE, "tls.key"), got.key, { mode: 0o600 });
      writeFileSync(join(STATE, "tls.pem"), got.chain);
      await trusted(got.chain);
    },
  "one of staging, which is another authority": async () => {
    const { chain } = await obtain(STAGING);
    const [ours, theirs] = [chain, readFileSync(join(STATE, "tls.pem"), "utf8")].map(lastIssuer);
    assert.notEqual(ours, theirs);
    await trusted(chain);
  },
  "the git host shows its key, takes pushes of people, and reads of deploy keys": async () => {
    const scanned = await inside("internet", "ssh-keyscan", "-t", "ed25519,ecdsa,rsa", GIT_HOST);
    const [own = ""] = readFileSync(join(STATE, "git/host_ed25519.pub"), "utf8").split(/ [^ ]*\n/);
    assert.deepEqual(scanned.trim().split("\n"), [`${GIT_HOST} ${own}`]);
    await git("init", "--quiet", "--initial-branch=main");
    writeFileSync(join(STATE, "work/page.yaml"), "one: 1\n");
    await git("add", ".");
    await git("commit", "--quiet", "--message", "a page");
    await git("push", "--quiet", repositoryUrl("ops/check.git"), "HEAD:refs/heads/main");
    assert.match(await git("ls-remote", repositoryUrl("ops/check.git")), /refs\/heads\/main/);
  },
  "a push is told to an app of the zone, by its certificate of Let's Encrypt": async () => {
    await record(HOOK, ipv4(PLAN, "internet", 10));
    setWebhook(STATE, "ops/check.git", `https://${HOOK}/api/webhook`, "secret");
    await receive();
    await git("commit", "--quiet", "--allow-empty", "--message", "again");
    await git("push", "--quiet", repositoryUrl("ops/check.git"), "HEAD:refs/heads/main");
    await wait("delivery", () => existsSync(join(STATE, "logs/webhooks.jsonl")));
    assert.match(readFileSync(join(STATE, "logs/webhooks.jsonl"), "utf8"), /"status":202/);
    assert.equal(await inside("internet", "curl", "-fsS", `https://${HOOK}/`), "POST /api/webhook");
  },
  "anybody learns the edge's addresses": async () => {
    const { result } = JSON.parse(await inside("internet", "curl", "-fsS", "https://api.cloudflare.com/client/v4/ips")) as { result: object }; // prettier-ignore
    assert.deepEqual(Object.keys(result), ["ipv4_cidrs", "ipv6_cidrs", "etag"]);
  },
};

async function start(artifacts: Artifacts): Promise<void> {
  await down(NAME);
  mkdirSync(join(STATE, "logs"), { recursive: true, mode: 0o700 });
  mkdirSync(join(STATE, "work"));
  writeFileSync(join(STATE, "sandbox.json"), JSON.stringify(PLAN));
  await createNetwork(PLAN);
  await ensureTrust(PLAN, STATE);
  ensureAccount(STATE, { zone: ZONE });
  await startLink(PLAN, STATE, say);
  await startServices(PLAN, STATE, artifacts);
  await createRepository(STATE, "ops/check.git");
  await run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "person", "-f", join(STATE, "person")]);
  addKey(STATE, readFileSync(join(STATE, "person.pub"), "utf8"), null);
}

async function obtain(host: string): Promise<Obtained> {
  const { zones, tokens } = ensureAccount(STATE, { zone: ZONE });
  const probe = [process.execPath, join(import.meta.dirname, "acme.probe.ts"), `https://${host}/directory`, zones[0]?.id ?? "", ZONE, `*.${ZONE}`]; // prettier-ignore
  const trust = "NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt";
  const argv = [...placeCommand(PLAN, "internet", STATE), "env", trust, ...probe] as const;
  return JSON.parse(await run([...argv], { stdin: tokens[0]?.value ?? "" })) as Obtained;
}

/** A program of the outside world believes it, by bundle and by hash. */
async function trusted(chain: string): Promise<void> {
  const file = join(STATE, "chain.pem");
  writeFileSync(file, chain);
  for (const store of [
    ["-CAfile", "/etc/ssl/certs/ca-certificates.crt"],
    ["-CApath", "/etc/ssl/certs"],
  ])
    await inside("internet", "openssl", "verify", ...store, "-untrusted", file, file);
}

const lastIssuer = (chain: string) =>
  new X509Certificate(chain.slice(chain.lastIndexOf("-----BEGIN"))).issuer;

/** git of an ordinary client, with the person's key. */
function git(...args: string[]): Promise<string> {
  const ssh = `ssh -F none -i ${STATE}/person -o IdentitiesOnly=yes -o UserKnownHostsFile=${STATE}/known -o StrictHostKeyChecking=accept-new`;
  const identity = ["-c", "user.name=o", "-c", "user.email=o@example.com"];
  return inside(
    "internet",
    "env",
    `GIT_SSH_COMMAND=${ssh}`,
    "git",
    "-C",
    join(STATE, "work"),
    ...identity,
    ...args,
  );
}

async function record(name: string, content: string): Promise<void> {
  const { zones, tokens } = ensureAccount(STATE, { zone: ZONE });
  const url = `https://api.cloudflare.com/client/v4/zones/${zones[0]?.id}/dns_records`;
  const data = JSON.stringify({ type: "A", name, content, ttl: 60 });
  const argv = ["curl", "-fsS", "-H", "@-", "--json", data, url] as const;
  await run([...placeCommand(PLAN, "internet", STATE), ...argv], {
    stdin: `authorization: Bearer ${tokens[0]?.value}\n`,
  });
}

/** An HTTPS server at the client's address with the certificate of before; GET tells what was posted to it. */
async function receive(): Promise<void> {
  const script = `const fs = require("node:fs"); let seen = "";
    require("node:https").createServer({ key: fs.readFileSync("${STATE}/tls.key"), cert: fs.readFileSync("${STATE}/tls.pem") }, (asked, answer) => {
      if (asked.method === "POST") seen += asked.method + " " + asked.url + "\\n";
      asked.resume().on("end", () => answer.writeHead(asked.method === "POST" ? 202 : 200).end(seen));
    }).listen(443, () => fs.writeFileSync("${STATE}/receiver", ""));`;
  const [file, ...args] = placeCommand(PLAN, "internet", STATE);
  spawn(file, [...args, process.execPath, "-e", script], { detached: true, stdio: "ignore" }).unref();
  await wait("receiver", () => existsSync(join(STATE, "receiver")));
}

async function wait(what: string, isThere: () => boolean): Promise<void> {
  const deadline = Date.now() + 15_000;
  while (!isThere()) {
    assert.ok(Date.now() < deadline, `no ${what}`);
    await sleep(50);
  }
}

function inside(place: Place, ...argv: [string, ...string[]]): Promise<string> {
  return run([...placeCommand(PLAN, place, STATE), ...argv]);
}

function say(line: string): void {
  console.log(line);
}

if (import.meta.main) await checkGitops(await ensureArtifacts(say), say);
