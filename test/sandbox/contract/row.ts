import assert from "node:assert/strict";
import { at, must } from "../place.ts";

/** One thing that K3s's documentation promises, and how it is seen on the sandbox's hosts. */
export interface Row {
  behaviour: string;
  /** Word for word from the page. */
  quote: string;
  url: string;
  run: () => Promise<void>;
}

export const SERVER = "hetzner-1";
export const AGENT = "aws-1";
/** An agent that is left as it is, for what needs a running neighbour. */
export const NEIGHBOUR = "vultr-1";

/** Standard output of a script that has to succeed. */
export async function on(host: string, script: string): Promise<string> {
  return (await must(at(host, script))).stdout.trim();
}

export const docs = (path: string): string => `https://docs.k3s.io/${path}`;

export async function kubectl(args: string): Promise<string> {
  return on(SERVER, `k3s kubectl ${args}`);
}

export const meshAddress = (host: string): Promise<string> => on(host, "tailscale ip -4");

/** An agent beside the running one, with folders and a port of its own, for ten seconds; returns what it says. */
export async function secondAgent(host: string, options: string): Promise<string> {
  const folder = "/tmp/contract-agent";
  const script = `rm -rf ${folder}; timeout 10 k3s agent --data-dir ${folder} --lb-server-port 7444 ${options} 2>&1; rm -rf ${folder}`;
  return (await at(host, script)).stdout;
}

export async function eventually(what: string, holds: () => Promise<boolean>, seconds = 60): Promise<void> {
  const end = Date.now() + seconds * 1000;
  while (Date.now() < end) {
    if (await holds().catch(() => false)) return;
  }
  assert.fail(`not within ${seconds} s: ${what}`);
}
