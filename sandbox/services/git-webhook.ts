import { createHmac } from "node:crypto";
import { appendFileSync } from "node:fs";
import { Resolver } from "node:dns";
import { request } from "node:https";
import type { LookupFunction } from "node:net";
import { join } from "node:path";
import { run } from "../command.ts";
import { readAccounts, repositoryFolder, repositoryUrl } from "./git-accounts.ts";
import { GIT_HOST } from "./names.ts";
import { authoritiesOf } from "./trust.ts";

export type Branches = ReadonlyMap<string, string>;
const NOTHING = "0".repeat(40);
const PATIENCE_MS = 15_000;

/** The commit of each branch of a repository. */
export async function branches(folder: string): Promise<Branches> {
  const lines = await run([
    "git",
    "-C",
    folder,
    "for-each-ref",
    "--format=%(refname) %(objectname)",
    "refs/heads",
  ]);
  return new Map(
    lines
      .split("\n")
      .filter(Boolean)
      .map((line) => line.split(" ") as [string, string]),
  );
}

/** Tells each webhook of each branch that a push has moved, as GitHub does. */
export async function tellOfPush(
  stateDir: string,
  dns: string,
  path: string,
  before: Branches,
): Promise<void> {
  const hooks = readAccounts(stateDir).webhooks.filter(({ repository }) => repository === path);
  if (hooks.length === 0) return;
  const folder = repositoryFolder(stateDir, path);
  for (const [ref, after] of await branches(folder)) {
    const was = before.get(ref) ?? NOTHING;
    if (was === after) continue;
    const body = JSON.stringify(await event(folder, path, ref, was, after));
    for (const { url, secret } of hooks) {
      const status = await deliver(stateDir, dns, url, secret, body);
      appendFileSync(
        join(stateDir, "logs/webhooks.jsonl"),
        `${JSON.stringify({ at: new Date(), url, ref, after, status })}\n`,
      );
    }
  }
}

/** https://docs.github.com/en/webhooks/webhook-events-and-payloads#push, the parts that receivers read. */
async function event(folder: string, path: string, ref: string, before: string, after: string) {
  const range = before === NOTHING ? [after] : [`${before}..${after}`];
  const log = await run([
    "git",
    "-C",
    folder,
    "log",
    "--name-status",
    "--format=%x00%H%x00%s%x00%cI",
    "--no-renames",
    ...range,
  ]);
  const commits = [...log.matchAll(/\0([0-9a-f]+)\0(.*)\0(.*)\n([^\0]*)/g)].map(
    ([, id, message, timestamp, files = ""]) => {
      const named = (letter: string) =>
        [...files.matchAll(/^([A-Z])\t(.+)$/gm)]
          .filter(([, kind]) => kind === letter)
          .map(([, , name]) => name);
      return { id, message, timestamp, added: named("A"), modified: named("M"), removed: named("D") };
    },
  );
  const name = path.replace(/\.git$/, "");
  return {
    ref,
    before,
    after,
    created: before === NOTHING,
    deleted: false,
    forced: false,
    commits: commits.toReversed(),
    head_commit: commits[0] ?? null,
    repository: {
      name: name.split("/").at(-1),
      full_name: name,
      html_url: `https://${GIT_HOST}/${name}`,
      clone_url: `https://${GIT_HOST}/${path}`,
      ssh_url: repositoryUrl(path),
      default_branch: "main",
    },
  };
}

/** The answer's status; what went wrong where there is none. */
function deliver(
  stateDir: string,
  dns: string,
  url: string,
  secret: string,
  body: string,
): Promise<number | string> {
  const signature = createHmac("sha256", secret).update(body).digest("hex");
  return new Promise((resolve) => {
    const asked = request(
      url,
      {
        method: "POST",
        ca: authoritiesOf(stateDir),
        timeout: PATIENCE_MS,
        agent: false,
        lookup: lookupBy(dns),
        headers: {
          "content-type": "application/json",
          "content-length": Buffer.byteLength(body),
          "user-agent": "GitHub-Hookshot/sandbox",
          "x-github-event": "push",
          "x-github-delivery": crypto.randomUUID(),
          "x-hub-signature-256": `sha256=${signature}`,
        },
      },
      (answer) => {
        answer.resume();
        resolve(answer.statusCode ?? 0);
      },
    );
    asked.on("timeout", () => asked.destroy(new Error(`no answer within ${PATIENCE_MS} ms`)));
    asked.on("error", (error) => resolve(error.message));
    asked.end(body);
  });
}

/** Names as the sandbox's resolver tells them; this process's own is the machine's. */
function lookupBy(dns: string): LookupFunction {
  const resolver = new Resolver();
  resolver.setServers([dns]);
  return (name, { all }, done) => {
    resolver.resolve4(name, (error, addresses) => {
      const [first = ""] = addresses ?? [];
      if (error !== null) done(error, "", 4);
      else if (all === true)
        done(
          null,
          addresses.map((address) => ({ address, family: 4 })),
        );
      else done(null, first, 4);
    });
  };
}
