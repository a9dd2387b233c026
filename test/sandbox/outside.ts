import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type Cloud, ipv4, ipv6, namespace } from "../../sandbox/network/plan.ts";
import type { Servers } from "../../src/config/model.ts";
import { command } from "./harness.ts";
import { caches, clone, cluster, infra, must, readPlan, work } from "./place.ts";

/** The hosts as a stranger on the internet sees them: by their public addresses. */
export const HOSTS: readonly { name: string; cloud: Cloud }[] = [
  { name: "hetzner-1", cloud: "hetzner" },
  { name: "vultr-1", cloud: "vultr" },
  { name: "aws-1", cloud: "aws" },
];

/** The host's number in its cloud's network. */
export function numberOf(name: string): number {
  const servers = JSON.parse(readFileSync(join(cluster, "servers.json"), "utf8")) as Servers;
  return Number(servers[name]?.publicIp.split(".")[3]);
}

const nft = (script: string) =>
  must(command(["ip", "netns", "exec", namespace(readPlan(), "outer"), "sh", "-c", script]));

/** Only the hosts' own firewalls are left while `work` runs: the vendors' let everything through. */
export async function withoutVendors<T>(use: () => Promise<T>): Promise<T> {
  const saved = join(work, "vendors.nft");
  await nft(`nft list table inet vendors >'${saved}' && nft delete table inet vendors`);
  try {
    return await use();
  } finally {
    await nft(`nft -f '${saved}'`);
  }
}

export function publicAddresses(name?: string): string[] {
  const plan = readPlan();
  return HOSTS.filter((host) => name === undefined || host.name === name).flatMap(({ name: host, cloud }) => [
    ipv4(plan, cloud, numberOf(host)),
    ipv6(plan, cloud, numberOf(host)),
  ]);
}

/** Every TCP port of the addresses that takes a connection from the internet: `ADDRESS PORT`, sorted. */
export async function scanTcp(addresses: readonly string[]): Promise<string[]> {
  return scan("tcp", ...addresses);
}

/** Those of the UDP ports that answer anything at all. */
export async function scanUdp(address: string, ports: readonly number[]): Promise<string[]> {
  return scan("udp", address, ...ports.map(String));
}

/** Runs the scanner in the namespace `internet`: test/sandbox/scan. */
export async function scan(...args: string[]): Promise<string[]> {
  const scanner = await ensureScanner();
  const { stdout } = await must(infra(["sandbox", "exec", "internet", "--", scanner, ...args]));
  return stdout.split("\n").filter(Boolean).toSorted();
}

let built: Promise<string> | undefined;

/** Built with the toolchain that the sandbox has by now. */
function ensureScanner(): Promise<string> {
  built ??= (async () => {
    const [go] = globSync(join(caches, "infra-k3s/tools/go-*/go/bin/go"));
    if (go === undefined) throw new Error("the sandbox has no Go toolchain");
    const scanner = join(work, "scan");
    await must(
      command([go, "build", "-o", scanner, "."], {
        cwd: join(clone, "test/sandbox/scan"),
        env: { GOTOOLCHAIN: "local", CGO_ENABLED: "0", GOWORK: "off", GOCACHE: join(work, "go-build") },
      }),
    );
    return scanner;
  })();
  return built;
}
