import { join } from "node:path";
import { placeCommand } from "../../sandbox/network/places.ts";
import type { Status } from "../../src/commands/status.ts";
import { command, type Outcome } from "./harness.ts";
import { at, cluster, infra, must, readPlan } from "./place.ts";

export const STATE = join(cluster, "..");
export const DOMAIN = "example.com";

export async function gitopsStatus(): Promise<Status> {
  return JSON.parse((await infra(["status", "--json"])).stdout) as Status;
}

/** A client of the outside world, with no process of the product between: `internet`'s resolver and trust store. */
export function outside(...argv: string[]): Promise<Outcome> {
  return command([...placeCommand(readPlan(), "internet", STATE), ...argv], { timeout: 60_000 });
}

/** One request from outside to one of the addresses that the name has, as its own resolver gave it. */
export function ask(address: string, url: string, ...options: string[]): Promise<Outcome> {
  const { hostname, port } = new URL(url);
  const to = `${hostname}:${port || (url.startsWith("https") ? 443 : 80)}:${address.includes(":") ? `[${address}]` : address}`;
  return outside("curl", "--silent", "--show-error", "--max-time", "20", "--resolve", to, ...options, url);
}

/** The operator's own git in the cluster repository, with no process of the product. */
export function git(script: string): Promise<Outcome> {
  const keys = join(STATE, "operator");
  const known = join(STATE, "operator/known_hosts");
  const ssh = `ssh -i ${keys}/id_ed25519 -o IdentitiesOnly=yes -o UserKnownHostsFile=${known} -o StrictHostKeyChecking=accept-new`;
  const identity =
    "GIT_AUTHOR_NAME=o GIT_AUTHOR_EMAIL=o@example.com GIT_COMMITTER_NAME=o GIT_COMMITTER_EMAIL=o@example.com";
  const line = `cd '${cluster}' && export ${identity} GIT_SSH_COMMAND='${ssh}' && ${script}`;
  return must(command([...placeCommand(readPlan(), "operator", STATE), "sh", "-c", line]));
}

export async function commitAndPush(message: string): Promise<void> {
  await git(`git add --all && git commit --quiet --message '${message}' && git push --quiet origin HEAD`);
}

/** Asks the API on the master, with no process of the product; the words of kubectl are one shell line. */
export async function k(line: string): Promise<string> {
  return (await must(at("hetzner-1", `k3s kubectl ${line}`))).stdout;
}

interface AuditEvent {
  verb: string;
  requestURI: string;
  stageTimestamp: string;
  objectRef?: { resource: string; namespace?: string; name?: string };
  responseStatus?: { code: number };
}

/** What the product wrote with the admin's credentials, as `verb resource namespace/name`: from the audit log of the master. */
export async function writes(): Promise<(AuditEvent & { what: string })[]> {
  const log = "/var/lib/rancher/k3s/server/logs/audit.log";
  const { stdout } = await must(
    at(
      "hetzner-1",
      `grep -hE '"verb":"(create|update|patch|delete)' ${log} | grep -F '"user":{"username":"system:admin"' | grep -vF '"impersonatedUser"' || true`,
    ),
  );
  return stdout
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line) as AuditEvent)
    .map((event) => {
      const { resource = "?", namespace = "", name = "" } = event.objectRef ?? {};
      return { ...event, what: `${event.verb} ${resource} ${namespace}/${name}` };
    });
}
