import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { run } from "../command.ts";
import { GIT_HOST } from "./names.ts";

/** What the git host knows beside the repositories themselves. */
export interface GitAccounts {
  /** False: the host is down, its port closed. */
  up: boolean;
  /** Public keys, `ssh-ed25519 AAAA…`: of people, who may write everywhere, and of one repository, which may only read it. */
  keys: { key: string; repository: string | null }[];
  webhooks: { repository: string; url: string; secret: string }[];
}

const folder = (stateDir: string) => join(stateDir, "git");
const file = (stateDir: string) => join(folder(stateDir), "accounts.json");

export function readAccounts(stateDir: string): GitAccounts {
  const path = file(stateDir);
  if (!existsSync(path)) return { up: true, keys: [], webhooks: [] };
  return JSON.parse(readFileSync(path, "utf8")) as GitAccounts;
}

export function changeAccounts(stateDir: string, change: (accounts: GitAccounts) => void): void {
  const accounts = readAccounts(stateDir);
  change(accounts);
  mkdirSync(folder(stateDir), { recursive: true, mode: 0o700 });
  const path = file(stateDir);
  writeFileSync(`${path}.new`, JSON.stringify(accounts, null, 2), { mode: 0o600 });
  renameSync(`${path}.new`, path);
}

/** A key of a person's, or with a repository a deploy key, which may only read that. Known ones stay. */
export function addKey(stateDir: string, line: string, repository: string | null): void {
  const key = line.trim().split(/\s+/).slice(0, 2).join(" ");
  changeAccounts(stateDir, ({ keys }) => {
    if (!keys.some((one) => one.key === key && one.repository === repository)) keys.push({ key, repository });
  });
}

/** Tells this address of each push, in place of what it was told before. */
export function setWebhook(stateDir: string, repository: string, url: string, secret: string): void {
  changeAccounts(stateDir, (accounts) => {
    const others = accounts.webhooks.filter((one) => one.repository !== repository || one.url !== url);
    accounts.webhooks = [...others, { repository, url, secret }];
  });
}

export function repositoryFolder(stateDir: string, path: string): string {
  return join(folder(stateDir), "repositories", path);
}

/** An empty repository, `OWNER/NAME.git`; one that is there stays. */
export async function createRepository(stateDir: string, path: string): Promise<void> {
  const bare = repositoryFolder(stateDir, path);
  if (existsSync(join(bare, "HEAD"))) return;
  await run(["git", "init", "--quiet", "--bare", "--initial-branch=main", bare]);
}

/** The private half of the host's key, made at the first call. */
export async function ensureHostKey(stateDir: string): Promise<string> {
  const path = join(folder(stateDir), "host_ed25519");
  mkdirSync(folder(stateDir), { recursive: true, mode: 0o700 });
  if (!existsSync(path))
    await run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", GIT_HOST, "-f", path]);
  return readFileSync(path, "utf8");
}

export function repositoryUrl(path: string): string {
  return `ssh://git@${GIT_HOST}/${path}`;
}
