import { existsSync } from "node:fs";
import { join } from "node:path";
import { type Server, sshAddress } from "../../config/model.ts";
import { type Finished, run } from "../process/process.ts";

export interface SshTarget {
  server: Server;
  /** The cluster repository's root: its `known_hosts` is the only one consulted. */
  root: string;
  /** Path of the private key; empty leaves the choice to ssh. */
  key: string;
  /** The master, where the server is reached over it alone. */
  over?: Server | undefined;
}

const CONNECT_SECONDS = 8;

/** `ssh` with the pinned host key, without any question, up to the host's name. */
export function sshArgv(
  { server, root, key, over }: SshTarget,
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
    // Not -J: the ssh that it starts would get none of these options.
    ...(over === undefined ? [] : ["-o", `ProxyCommand=${shell(sshArgv({ server: over, root, key }, ["-W", "%h:%p"]))}`]),
    ...options,
    "-l", server.sshUser,
    sshAddress(server),
  ]; // prettier-ignore
}

function shell(argv: readonly string[]): string {
  return argv.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(" ");
}

/** Runs a shell script on the host as root; the script goes through stdin, so nothing of it shows in argv. */
export async function runScript(target: SshTarget, script: string, timeout = 60_000): Promise<Finished> {
  return run({ argv: [...sshArgv(target), "sudo -n sh -s"], stdin: script, timeout });
}

/** Why ssh did not get in, and what to do; from the words OpenSSH prints. */
export function sshVerdict(stderr: string, { server, key, over }: SshTarget): { why: string; fix: string } {
  const address = sshAddress(server);
  const at = `${server.sshUser}@${address}`;
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
      /stdio forwarding failed|open failed/,
      `${over?.publicIp ?? "the master"} answers, but finds no ${address} in the mesh`,
      "check that the host runs, that tailscaled runs on it, and that servers.json has its present meshIp",
    ],
    [
      /Connection timed out|No route to host|Operation timed out/,
      `${over?.publicIp ?? address} does not answer on port 22`,
      "check that the server runs and that its firewall lets port 22 in",
    ],
    [/Connection refused/, `${address} answers, but no SSH server listens`, "the host may still be booting"],
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
