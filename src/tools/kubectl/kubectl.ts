import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { connect as connectTls } from "node:tls";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parse, stringify } from "yaml";
import type { Lock } from "../../config/lock.ts";
import { ToolError, UserError } from "../../output/errors.ts";
import { cacheFolder } from "../cache.ts";
import { ensureProgram } from "../downloads/download.ts";
import { operatorPlatform } from "../downloads/lock.ts";
import { background, runAttached } from "../process/process.ts";
import { runScript, sshArgv, type SshTarget, sshVerdict } from "../ssh/ssh.ts";

interface Kubeconfig {
  clusters: {
    name: string;
    cluster: { server: string; "tls-server-name"?: string; "certificate-authority-data": string };
  }[];
  contexts: { name: string; context: { cluster: string; user: string } }[];
  users: { name: string }[];
  "current-context": string;
}

/** The master's admin kubeconfig, its context named after the cluster; the server is the API's 100.x address. */
export async function readKubeconfig(master: SshTarget, cluster: string): Promise<string> {
  const result = await runScript(master, "cat /etc/rancher/k3s/k3s.yaml && tailscale ip -4", 20_000);
  if (result.exitCode === 255) {
    throw new UserError({ what: "the master can't be reached by SSH", ...sshVerdict(result.stderr, master) });
  }
  if (result.exitCode !== 0) {
    throw new UserError({
      what: "the master has no kubeconfig",
      why: result.stderr.trim(),
      fix: "run infra-k3s up",
    });
  }
  const meshIp = result.stdout.trim().split("\n").at(-1) ?? "";
  const config = parse(result.stdout.slice(0, result.stdout.lastIndexOf(meshIp))) as Kubeconfig;
  for (const entry of [...config.clusters, ...config.contexts, ...config.users]) entry.name = cluster;
  for (const { context } of config.contexts) Object.assign(context, { cluster, user: cluster });
  for (const entry of config.clusters) entry.cluster.server = `https://${meshIp}:6443`;
  config["current-context"] = cluster;
  return stringify(config, { lineWidth: 0 });
}

/** Runs kubectl on this terminal: directly where the API can be reached, else through SSH to the master. */
export async function kubectl(
  master: SshTarget,
  cluster: string,
  lock: Lock,
  args: readonly string[],
): Promise<number> {
  const [program, kubeconfig] = await Promise.all([ensureKubectl(lock), readKubeconfig(master, cluster)]);
  const folder = mkdtempSync(join(tmpdir(), "infra-k3s-"));
  const path = join(folder, "kubeconfig");
  try {
    return await reachApi(master, kubeconfig, async (reachable) => {
      writeFileSync(path, reachable, { mode: 0o600 });
      return runAttached({ argv: [program, ...args], env: { KUBECONFIG: path } });
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** kubectl at the cluster's own version, from the user's cache, verified each time. */
export async function ensureKubectl(lock: Lock): Promise<string> {
  const locked = lock.kubectl.files[operatorPlatform()];
  if (locked === undefined) {
    throw new ToolError({
      what: `versions.lock.json has no kubectl for ${operatorPlatform()}`,
      fix: "add it on this machine: infra-k3s init",
    });
  }
  const path = cacheFolder("tools", `kubectl-${locked.sha256.slice(0, 12)}`, "kubectl");
  await ensureProgram(path, locked.url, locked.sha256);
  return path;
}

/** Calls `use` with a kubeconfig that works from here, for as long as it runs. */
async function reachApi<T>(
  master: SshTarget,
  kubeconfig: string,
  use: (kubeconfig: string) => Promise<T>,
): Promise<T> {
  const config = parse(kubeconfig) as Kubeconfig;
  const [entry] = config.clusters;
  if (entry === undefined) throw new UserError({ what: "the master's kubeconfig names no cluster" });
  const api = new URL(entry.cluster.server);
  if (await isApi(api, entry.cluster["certificate-authority-data"], 700)) return use(kubeconfig);
  const port = await freePort();
  const forward = `127.0.0.1:${port}:${api.hostname}:${api.port}`;
  const tunnel = background({
    argv: sshArgv(master, ["-N", "-o", "ExitOnForwardFailure=yes", "-L", forward]),
  });
  try {
    const deadline = Date.now() + 15_000;
    while (!(await canConnect("127.0.0.1", port, 500))) {
      if (tunnel.ended() || Date.now() > deadline) {
        throw new UserError({
          what: "the API can't be reached, neither directly nor through SSH to the master",
          why: tunnel.stderr(),
          fix: "check that the master allows TCP forwarding for this user",
        });
      }
      await sleep(50);
    }
    entry.cluster.server = `https://127.0.0.1:${port}`;
    entry.cluster["tls-server-name"] = api.hostname;
    return await use(stringify(config, { lineWidth: 0 }));
  } finally {
    await tunnel.stop();
  }
}

/** 100.64.0.0/10 is not ours alone (RFC 6598): only who shows the cluster's certificate is taken for its API. */
function isApi(api: URL, authority: string, timeout: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connectTls({
      host: api.hostname,
      port: Number(api.port),
      ca: Buffer.from(authority, "base64"),
      timeout,
    });
    const settle = (reached: boolean) => {
      socket.destroy();
      resolve(reached);
    };
    socket.once("secureConnect", () => settle(socket.authorized));
    socket.once("error", () => settle(false));
    socket.once("timeout", () => settle(false));
  });
}

function canConnect(host: string, port: number, timeout: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout });
    const settle = (reached: boolean) => {
      socket.destroy();
      resolve(reached);
    };
    socket.once("connect", () => settle(true));
    socket.once("error", () => settle(false));
    socket.once("timeout", () => settle(false));
  });
}

/** A port of this machine that nothing listens on: the one that is wanted, or any. */
export function freePort(wanted = 0): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", (error) =>
      reject(
        new UserError({
          what: `port ${wanted} can't be had`,
          why: error.message,
          fix: "name another one, or leave --port out: then a free one is taken",
        }),
      ),
    );
    server.listen(wanted, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => (typeof address === "object" && address !== null ? resolve(address.port) : reject(new Error("no port")))); // prettier-ignore
    });
  });
}
