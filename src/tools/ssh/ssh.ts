import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Server } from "../../config/model.ts";
import { type Finished, run } from "../process/process.ts";

export interface SshTarget {
  server: Server;
  /** The cluster repository's root: its `known_hosts` is the only one consulted. */
  root: string;
  /** Path of the private key; empty leaves the choice to ssh. */
  key: string;
}

const CONNECT_SECONDS = 8;

/** `ssh` with the pinned host key, without any question, up to the host's name. */
export function sshArgv(
  { server, root, key }: SshTarget,
  options: readonly string[] = [],
): [string, ...string[]] {
  const knownHosts = join(root, "ansible/inventory/known_hosts");
  return [
    "ssh",
    "-o", "BatchMode=yes",
    "-o", "StrictHostKeyChecking=yes",
    "-o", `UserKnownHostsFile="${knownHosts}"`,
    "-o", "GlobalKnownHostsFile=/dev/null",
    "-o", "UpdateHostKeys=no",
    "-o", `ConnectTimeout=${CONNECT_SECONDS}`,
    "-o", "ServerAliveInterval=15",
    ...(key === "" ? [] : ["-i", key, "-o", "IdentitiesOnly=yes"]),
    ...options,
    "-l", server.sshUser,
    server.publicIp,
  ]; // prettier-ignore
}

/** Runs a shell script on the host as root; the script goes through stdin, so nothing of it shows in argv. */
export async function runScript(target: SshTarget, script: string, timeout = 60_000): Promise<Finished> {
  return run({ argv: [...sshArgv(target), "sudo -n sh -s"], stdin: script, timeout });
}

/** Why ssh did not get in, and what to do; from the words OpenSSH prints. */
export function sshVerdict(stderr: string, { server, key }: SshTarget): { why: string; fix: string } {
  const at = `${server.sshUser}@${server.publicIp}`;
  const verdicts: [RegExp, string, string][] = [
    [
      /REMOTE HOST IDENTIFICATION HAS CHANGED|Host key verification failed|No \S+ host key is known/,
      "the host shows another key than the one pinned in servers.json: a new machine, or someone in between",
      "compare the key with the provider's console; if the machine is yours and new, update servers.json",
    ],
    [
      /Permission denied/,
      key === "" ? `${at} accepts none of the agent's keys` : `${at} does not accept the key ${key}`,
      "set INFRA_K3S_SSH_KEY in .envrc.local to the private key whose public part the server knows",
    ],
    [
      /Too many authentication failures/,
      "the agent offers too many keys",
      "set INFRA_K3S_SSH_KEY in .envrc.local",
    ],
    [
      /Connection timed out|No route to host|Operation timed out/,
      `${server.publicIp} does not answer on port 22`,
      "check that the server runs and that its firewall lets port 22 in",
    ],
    [
      /Connection refused/,
      `${server.publicIp} answers, but no SSH server listens`,
      "the host may still be booting",
    ],
    [
      /sudo:/,
      `${server.sshUser} may not become root without a password`,
      `give ${server.sshUser} NOPASSWD sudo`,
    ],
  ];
  const found = verdicts.find(([pattern]) => pattern.test(stderr));
  if (key !== "" && !existsSync(key)) {
    return { why: `the private key ${key} does not exist`, fix: "correct INFRA_K3S_SSH_KEY in .envrc.local" };
  }
  return found === undefined
    ? { why: stderr.trim() || "ssh said nothing", fix: `try by hand: ssh ${at}` }
    : { why: found[1], fix: found[2] };
}
