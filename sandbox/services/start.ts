import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { S3_PORT } from "../clouds/clouds.ts";
import { ensureCredentials } from "../clouds/credentials.ts";
import type { Artifacts } from "../artifacts/artifacts.ts";
import { ensurePrograms } from "../artifacts/programs.ts";
import { cacheFolder } from "../../src/tools/cache.ts";
import { cgroupFolders, processesIn } from "../lifecycle/processes.ts";
import { linksFile, writeLinks } from "../network/link-command.ts";
import { LINK_DEVICE } from "../network/links.ts";
import { namespace, type Plan, prefix } from "../network/plan.ts";
import { startPebbles } from "./acme.ts";
import { configureHeadscale } from "./headscale.ts";
import type { OauthClient } from "./tailscale-api.ts";

/** Starts headscale and the daemon inside the outer namespace, in a cgroup of the sandbox's, and waits for both. */
export async function startServices(plan: Plan, stateDir: string, artifacts: Artifacts): Promise<void> {
  await startS3(plan, stateDir, artifacts.versitygw);
  await configureHeadscale(plan, stateDir);
  ensureClient(stateDir);
  const config = join(stateDir, "headscale/config.yaml");
  await start(plan, stateDir, "headscale", [artifacts.headscale, "--config", config, "serve"], (log) =>
    log.includes("listening and serving HTTP"),
  );
  const daemon = [process.execPath, join(import.meta.dirname, "daemon.ts"), stateDir, artifacts.headscale];
  await startPebbles(plan, stateDir, artifacts.pebble);
  await start(plan, stateDir, "services", daemon, (log) => log.includes("ready\n"));
}

/** The S3 server behind R2's gate, on loopback; its key is in no argv. */
async function startS3(plan: Plan, stateDir: string, versitygw: string): Promise<void> {
  const { id, secret } = ensureCredentials(stateDir).s3;
  const folder = join(stateDir, "r2");
  mkdirSync(join(folder, "buckets"), { recursive: true, mode: 0o700 });
  const file = join(folder, "root.env");
  writeFileSync(file, `export ROOT_ACCESS_KEY='${id}' ROOT_SECRET_KEY='${secret}'\n`, { mode: 0o600 });
  const server = [versitygw, "--port", `127.0.0.1:${S3_PORT}`, "--quiet", "posix", join(folder, "buckets")];
  await start(plan, stateDir, "s3", ["sh", "-c", '. "$0" && exec "$@"', file, ...server], (log) =>
    log.includes("No IAM service configured"),
  );
}

/** Starts the program that is the distance between the clouds; without it no packet leaves one. */
export async function startLink(
  plan: Plan,
  stateDir: string,
  progress: (line: string) => void,
): Promise<void> {
  const folder = await ensurePrograms(join(import.meta.dirname, "../network/link"), progress);
  const rules = linksFile(plan.name);
  if (!existsSync(rules)) writeLinks(plan, []);
  await start(plan, stateDir, "link", [join(folder, "link"), LINK_DEVICE, rules], (log) =>
    log.includes("ready"),
  );
}

export async function startRegistry(plan: Plan, stateDir: string, command: readonly string[]): Promise<void> {
  await start(plan, stateDir, "registry", command, (log) => log.includes("listening on"));
}

/** The OAuth client that the sandbox's tailnet knows. */
export function ensureClient(stateDir: string): OauthClient {
  const path = join(stateDir, "oauth.json");
  if (!existsSync(path)) {
    const client: OauthClient = {
      id: `k${randomBytes(8).toString("hex")}CNTRL`,
      secret: `tskey-client-${randomBytes(24).toString("hex")}`,
      tags: ["tag:k3s"],
      scopes: ["auth_keys", "devices:core"],
    };
    writeFileSync(path, JSON.stringify(client), { mode: 0o600 });
  }
  return JSON.parse(readFileSync(path, "utf8")) as OauthClient;
}

/** Starts a program in the outer namespace, in a cgroup of its own of the sandbox's, unless it runs; waits until its log says ready. */
export async function start(
  plan: Plan,
  stateDir: string,
  name: string,
  argv: readonly string[],
  isReady: (log: string) => boolean,
): Promise<void> {
  const cgroup = `${prefix(plan)}/${name}`;
  if (processesIn(cgroup).length > 0) return;
  const path = join(stateDir, "logs", `${name}.log`);
  for (const folder of ["pids", "systemd"])
    mkdirSync(join("/sys/fs/cgroup", folder, cgroup), { recursive: true });
  const joinCgroup = cgroupFolders(cgroup)
    .map((folder) => `echo $$ > '${folder}/cgroup.procs'`)
    .join(" && ");
  const log = openSync(path, "w");
  const net = `--net=/run/netns/${namespace(plan, "outer")}`;
  spawn("sh", ["-c", `${joinCgroup} && exec "$@"`, "sh", "nsenter", net, ...argv], {
    detached: true,
    stdio: ["ignore", log, log],
    // Servers that an API makes are booted from the hosts' common system, which is in the caller's cache.
    env: { PATH: process.env["PATH"], HOME: stateDir, XDG_CACHE_HOME: dirname(cacheFolder()) },
  }).unref();
  const deadline = Date.now() + 30_000;
  while (!isReady(readFileSync(path, "utf8"))) {
    await sleep(50);
    const ended = processesIn(cgroup).length === 0 && Date.now() > deadline - 27_000;
    if (!ended && Date.now() < deadline) continue;
    throw new Error(
      `${name} did not start:\n${readFileSync(path, "utf8").split("\n").slice(-15).join("\n")}`,
    );
  }
}
