import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { loadCluster } from "../src/config/load.ts";
import type { ClusterModel, ClusterNode, Servers } from "../src/config/model.ts";
import { ConfigError, UserError } from "../src/output/errors.ts";
import type { Io } from "../src/output/io.ts";
import { PRODUCT_ROOT } from "../src/repository/shipped.ts";
import { ensureAnsible } from "../src/tools/ansible/install.ts";
import { ensureArtifacts, stillToCome } from "./artifacts/artifacts.ts";
import { ensureAccount } from "./clouds/cloudflare/account.ts";
import { cloudflareStore } from "./clouds/cloudflare/api.ts";
import { ensureCredentials } from "./clouds/credentials.ts";
import { run } from "./command.ts";
import { ensureRootfs, rootfsFolder } from "./hosts/rootfs.ts";
import { createServer } from "./hosts/server.ts";
import { down } from "./lifecycle/down.ts";
import { ensureImages } from "./images/images.ts";
import { ensureInotify, ensureReady, NEEDS } from "./lifecycle/preflight.ts";
import { createNetwork, hostPlace } from "./network/create.ts";
import { placeCommand } from "./network/places.ts";
import { hostNumbers, ipv4, namespace, type Plan } from "./network/plan.ts";
import { clusterFolder, sandboxId, stateFolder } from "./paths.ts";
import { startProviders } from "./providers/start.ts";
import { ensureClient, startLink, startRegistry, startServices } from "./services/start.ts";
import { fillDebian } from "./services/debian.ts";
import { registryCommand } from "./services/registry.ts";
import { fillMirror } from "./services/mirror.ts";
import { ensureTrust } from "./services/trust.ts";
import { listSandboxes, readState } from "./state.ts";

export interface UpOptions {
  name: string;
  example: string;
  /** Stop before the product's `up`: the internet and the servers stand, the cluster is not made. */
  bare: boolean;
  json: boolean;
}

/** From nothing to three Ready nodes: the sandbox's internet, its servers, then the product's own `up` in it. */
export async function sandboxUp(options: UpOptions, io: Io): Promise<number> {
  const start = Date.now();
  const step = (line: string) =>
    io.err(`[${String(Math.round((Date.now() - start) / 1000)).padStart(4)} s] ${line}\n`);
  await ensureReady(step);
  tellWhatIsToCome(step);
  step("programs: K3s, tailscale, headscale and what runs in pods");
  const artifacts = await ensureArtifacts(step);
  await ensureAnsible(step);
  if (!existsSync(rootfsFolder())) step("hosts' system: debootstrap of Debian 12 (about 2 min)");
  const rootfs = await ensureRootfs();

  const { name } = options;
  const stateDir = stateFolder(name);
  const plan = await claim(name, stateDir, nodesOf(exampleFile(options.example)).length, step);
  await ensureTrust(plan, stateDir);
  await fillMirror(stateDir, artifacts);
  await fillDebian(stateDir, rootfs);
  const images = await ensureImages(artifacts, rootfs, step);
  step("internet: DNS, mirror, registry, Tailscale's control server");
  await startLink(plan, stateDir, step);
  const { domain, cloudflare } = declared(exampleFile(options.example));
  await ensureOperatorKey(stateDir);
  ensureAccount(stateDir, {
    zone: cloudflare?.zone ?? domain,
    ...(cloudflare === null ? {} : { id: cloudflare.accountId }),
  });
  await startServices(plan, stateDir, artifacts);
  await startProviders(plan, stateDir, step);
  await startRegistry(plan, stateDir, await registryCommand(plan, stateDir, rootfs, images));

  // What the operator declares; before there is a cluster repository, what the example does.
  const own = join(clusterFolder(name), "cluster.yaml");
  const model = declared(existsSync(own) ? own : exampleFile(options.example));
  // Where the product creates servers, what is left are the operator's own.
  const nodes = model.nodes.filter(({ provider }) => model.cloudflare === null || provider === "existing");
  if (nodes.length > 0)
    step(`servers: ${nodes.map((node) => `${node.name} at ${node.provider}`).join(", ")}`);
  const servers = await createServers(plan, stateDir, nodes);
  await makeRepository(plan, stateDir, options.example, servers);
  if (options.bare) return 0;
  step("the product's own `up`, as its operator runs it");
  return product(plan, stateDir, ["up", ...(options.json ? ["--json"] : [])]);
}

/** What the machine is asked for, and how long the parts take that are not in the user's cache yet. */
function tellWhatIsToCome(step: (line: string) => void): void {
  const parts = stillToCome().map(({ name, minutes }) => `${name} ${minutes} min unless prebuilt`);
  if (!existsSync(rootfsFolder())) parts.push("Debian for the hosts 2 min");
  step(`this machine will do (${NEEDS}); to come: ${[...parts, "the cluster 2 min"].join(", ")}`);
}

/** A sandbox that stands is used again; what a crash left is cleared first. */
async function claim(
  name: string,
  stateDir: string,
  hosts: number,
  step: (line: string) => void,
): Promise<Plan> {
  const existing = readState(name);
  if (existing !== undefined && existsSync(`/run/netns/${namespace(existing, "outer")}`)) return existing;
  await down(name);
  ensureInotify(hosts);
  const taken = new Set(listSandboxes().map(({ index }) => index));
  const index = [...Array(16).keys()].find((candidate) => !taken.has(candidate));
  if (index === undefined)
    throw new UserError({ what: "16 sandboxes are up", fix: "end one: infra-k3s sandbox down NAME" });
  mkdirSync(join(stateDir, "logs"), { recursive: true, mode: 0o700 });
  const plan: Plan = { name, id: sandboxId(name), index };
  step(`sandbox ${name}: ${stateDir}`);
  await createNetwork(plan);
  // Written when the network is whole: without it the sandbox does not count as standing.
  writeFileSync(join(stateDir, "sandbox.json"), JSON.stringify(plan));
  return plan;
}

function exampleFile(example: string): string {
  return join(PRODUCT_ROOT, "examples", example, "cluster.yaml");
}

const nodesOf = (file: string): readonly ClusterNode[] => declared(file).nodes;

function declared(file: string): ClusterModel {
  const text = readFileSync(file, "utf8");
  const loaded = loadCluster(text, file);
  if (!loaded.ok) throw new ConfigError(loaded.diagnostics, text);
  return loaded.value;
}

async function ensureOperatorKey(stateDir: string): Promise<void> {
  const key = operatorKey(stateDir);
  if (existsSync(key)) return;
  mkdirSync(join(stateDir, "operator"), { recursive: true, mode: 0o700 });
  await run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "operator", "-f", key]);
}

const operatorKey = (stateDir: string) => join(stateDir, "operator/id_ed25519");

async function createServers(plan: Plan, stateDir: string, nodes: readonly ClusterNode[]): Promise<Servers> {
  const file = join(clusterFolder(plan.name), "servers.json");
  const before = existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as Servers) : {};
  const authorizedKey = readFileSync(`${operatorKey(stateDir)}.pub`, "utf8").trim();
  const known = Object.entries(before).filter(([, { publicIp }]) => publicIp !== "");
  const standing = await Promise.all(
    nodes.map(async ({ name }) => [name, await hostPlace(plan, name)] as const),
  );
  const numbers = hostNumbers(
    Object.fromEntries([
      ...known.map(([name, { publicIp }]) => [name, publicIp] as const),
      ...standing.flatMap(([name, at]) =>
        at === undefined ? [] : [[name, ipv4(plan, at.network, at.number)] as const],
      ),
    ]),
    nodes.map(({ name }) => name),
  );
  const created = await Promise.all(
    nodes.map(async ({ name, provider, behindNat }) => {
      const request = { name, provider, number: numbers[name] ?? 0, authorizedKey };
      const server = await createServer(plan, stateDir, request);
      // Of a host behind a NAT nobody knows anything before it has joined.
      return behindNat ? [] : ([[name, server]] as const);
    }),
  );
  // As at a provider: a server that no node is on any more stays until somebody ends it.
  return { ...before, ...Object.fromEntries(created.flat()) };
}

/** What a person would do by hand: `init`, the servers' addresses, the credentials. */
async function makeRepository(
  plan: Plan,
  stateDir: string,
  example: string,
  servers: Servers,
): Promise<void> {
  const cluster = clusterFolder(plan.name);
  mkdirSync(cluster, { recursive: true });
  const client = ensureClient(stateDir);
  const { hetzner, vultr, aws } = ensureCredentials(stateDir);
  const envrc = join(cluster, ".envrc.local");
  if (!existsSync(envrc)) {
    const lines = {
      TAILSCALE_OAUTH_CLIENT_ID: client.id,
      TAILSCALE_OAUTH_CLIENT_SECRET: client.secret,
      INFRA_K3S_SSH_KEY: operatorKey(stateDir),
      TF_VAR_hcloud_token: hetzner[0]?.token ?? "",
      TF_VAR_vultr_api_key: vultr?.[0]?.key ?? "",
      TF_VAR_aws_access_key_id: aws?.[0]?.accessKeyId ?? "",
      TF_VAR_aws_secret_access_key: aws?.[0]?.secretAccessKey ?? "",
      TF_VAR_cloudflare_api_token: cloudflareStore(join(stateDir, "clouds")).read().tokens[0]?.value ?? "",
    };
    const text = Object.entries(lines).map(([name, value]) => `export ${name}='${value}'\n`);
    writeFileSync(envrc, text.join(""), { mode: 0o600 });
  }
  if (Object.keys(servers).length > 0)
    writeFileSync(join(cluster, "servers.json"), `${JSON.stringify(servers, null, 2)}\n`);
  if (existsSync(join(cluster, "ansible/inventory/group_vars/all/vault.yml"))) return;
  const code = await product(plan, stateDir, ["init", cluster, "--example", example]);
  if (code !== 0) throw new UserError({ what: "the cluster repository could not be made" });
}

/** The product's CLI, run where its operator is. */
async function product(plan: Plan, stateDir: string, args: readonly string[]): Promise<number> {
  const [file, ...prefix] = placeCommand(plan, "operator", stateDir);
  const cli = join(PRODUCT_ROOT, "src/cli.ts");
  const result = await execa(file, [...prefix, process.execPath, ...process.execArgv, cli, ...args], {
    stdio: "inherit",
    reject: false,
    env: { INFRA_K3S_CLUSTER: clusterFolder(plan.name) },
  });
  return result.exitCode ?? 1;
}
