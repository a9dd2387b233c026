import { spawn } from "node:child_process";
import { createHash, timingSafeEqual } from "node:crypto";
import { appendFileSync, existsSync } from "node:fs";
import { join } from "node:path";
import ssh2, { type AuthContext, type Connection, type Server, type ServerChannel } from "ssh2";
import { ensureHostKey, type GitAccounts, readAccounts, repositoryFolder } from "./git-accounts.ts";
import { branches, tellOfPush } from "./git-webhook.ts";

type Account = GitAccounts["keys"][number];

export interface GitHostOptions {
  stateDir: string;
  address: string;
  /** 22, but for tests. */
  port?: number;
  /** The resolver that tells where webhooks go. */
  dns: string;
}

/** How soon a change of `up` in the accounts is seen. */
const LOOK_MS = 200;

/**
 * A git host as the well-known ones are: SSH as the user `git`, by key alone, and behind it git's own programs on bare
 * repositories. Deploy keys read one repository. What it refuses it refuses in GitHub's words. While the accounts say that it is
 * down, its port is closed. Returns what ends it.
 */
export async function serveGit(options: GitHostOptions): Promise<() => void> {
  const hostKeys = [await ensureHostKey(options.stateDir)];
  let server: Server | undefined;
  const follow = async () => {
    const { up } = readAccounts(options.stateDir);
    if (up && server === undefined) {
      server = new ssh2.Server({ hostKeys }, (client) => welcome(options, client));
      await listen(server, options);
    } else if (!up && server !== undefined) {
      server.close();
      server = undefined;
    }
  };
  await follow();
  let busy = false;
  const look = setInterval(() => {
    if (busy) return;
    busy = true;
    follow()
      // The port may not be free yet: the next look tries again.
      .catch(() => (server = undefined))
      .finally(() => (busy = false));
  }, LOOK_MS);
  return () => {
    clearInterval(look);
    server?.close();
  };
}

function listen(server: Server, { address, port }: GitHostOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port ?? 22, address, resolve);
  });
}

function welcome(options: GitHostOptions, client: Connection): void {
  let account: Account | undefined;
  client.on("error", () => {});
  client.on("authentication", (context) => {
    account = authenticate(readAccounts(options.stateDir), context);
    if (account === undefined) context.reject(["publickey"]);
    else context.accept();
  });
  client.on("ready", () => {
    if (account !== undefined) serveSessions(options, client, account);
  });
}

/** A key may be offered first, and proven then; nobody is told which of the two failed. */
function authenticate({ keys }: GitAccounts, context: AuthContext): Account | undefined {
  if (context.method !== "publickey" || context.username !== "git") return undefined;
  const offered = context.key.data;
  const found = keys.find(({ key }) => {
    const known = Buffer.from(key.split(" ")[1] ?? "", "base64");
    return known.length === offered.length && timingSafeEqual(known, offered);
  });
  if (found === undefined || context.signature === undefined) return found;
  const parsed = ssh2.utils.parseKey(found.key);
  if (parsed instanceof Error || context.blob === undefined) return undefined;
  return parsed.verify(context.blob, context.signature, context.hashAlgo) ? found : undefined;
}

function serveSessions(options: GitHostOptions, client: Connection, account: Account): void {
  client.on("session", (accept) => {
    const session = accept();
    // git asks for its protocol by a variable; which it is decides nothing here.
    session.on("env", (acceptEnv) => acceptEnv?.());
    session.on("exec", (acceptExec, _reject, { command }) => {
      const channel = acceptExec();
      channel.on("error", () => {});
      serve(options, account, command, channel).catch((error: unknown) => {
        // One push must not take the other services of this process with it.
        process.stderr.write(`git host: ${String(error)}\n`);
        if (channel.writable) end(channel, "ERROR: Internal error.", 1);
      });
    });
    session.on("shell", (acceptShell) => {
      end(
        acceptShell(),
        "Hi! You've successfully authenticated, but this host does not provide shell access.",
        1,
      );
    });
  });
}

async function serve(
  { stateDir, dns }: GitHostOptions,
  account: Account,
  command: string,
  channel: ServerChannel,
): Promise<void> {
  const [, verb = "", path = ""] =
    /^git[- ](upload-pack|receive-pack) '?\/?([A-Za-z0-9._/-]+?)'?$/.exec(command) ?? [];
  const folder = repositoryFolder(stateDir, path);
  const refusal = refusalOf(account, verb, path, existsSync(join(folder, "HEAD")));
  const entry = {
    at: new Date(),
    key: fingerprint(account.key),
    verb,
    path,
    allowed: refusal === "",
    refusal,
  };
  appendFileSync(join(stateDir, "logs/git.jsonl"), `${JSON.stringify(entry)}\n`);
  if (refusal !== "") return end(channel, refusal, 1);
  const before = await branches(folder);
  const child = spawn("git", [verb, folder], { stdio: ["pipe", "pipe", "pipe"] });
  channel.pipe(child.stdin);
  child.stdout.pipe(channel, { end: false });
  child.stderr.pipe(channel.stderr, { end: false });
  channel.on("close", () => child.kill());
  child.stdin.on("error", () => {});
  const code = await new Promise<number>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (status) => resolve(status ?? 1));
  });
  channel.exit(code);
  channel.end();
  if (verb === "receive-pack") await tellOfPush(stateDir, dns, path, before);
}

/** As `ssh-keygen -l` and git hosts show it. */
function fingerprint(key: string): string {
  const data = Buffer.from(key.split(" ")[1] ?? "", "base64");
  return `SHA256:${createHash("sha256").update(data).digest("base64").replace(/=+$/, "")}`;
}

function refusalOf({ repository }: Account, verb: string, path: string, exists: boolean): string {
  if (verb === "") return "ERROR: unknown command.";
  if (!exists || path.includes("..") || (repository !== null && repository !== path))
    return "ERROR: Repository not found.";
  return verb === "receive-pack" && repository !== null
    ? "ERROR: The key you are authenticating with has been marked as read only."
    : "";
}

function end(channel: ServerChannel, words: string, code: number): void {
  channel.stderr.write(`${words}\r\n`);
  channel.exit(code);
  channel.end();
}
