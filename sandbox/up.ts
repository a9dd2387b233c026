import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { loadCluster } from "../src/config/load.ts";
import type { ClusterModel, ClusterNode, Servers } from "../src/config/model.ts";
import { ConfigError, UserError } from "../src/output/errors.ts";
import { interruption } from "../src/output/interruption.ts";
import type { Io } from "../src/output/io.ts";
import { PRODUCT_ROOT } from "../src/repository/shipped.ts";
import { DEPLOY_KEY_PUBLIC } from "../src/stages/gitops/sealed.ts";
import { ensureAccount } from "./clouds/cloudflare/account.ts";
import { cloudflareStore } from "./clouds/cloudflare/api.ts";
import { ensureCredentials } from "./clouds/credentials.ts";
import { run } from "./command.ts";
import { follow } from "../src/tools/process/children.ts";
import { createServer } from "./hosts/server.ts";
import { down } from "./lifecycle/down.ts";
import { ensureInotify } from "./lifecycle/preflight.ts";
import { firstApp, isPushed, prepareRepository, registerDeployKey, registerWebhook } from "./gitops.ts";
import { createNetwork, hostPlace } from "./network/create.ts";
import { hostNumbers, ipv4, namespace, type Plan } from "./network/plan.ts";
import { clusterFolder, sandboxId, stateFolder } from "./paths.ts";
import { prepare, steps } from "./prepare.ts";
import { productCommand } from "./product.ts";
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
  /** The last stage of the product's `up`; default: all. */
  until?: string | undefined;
}

/** From nothing to three Ready nodes: the sandbox's internet, its servers, then the product's own `up` in it. */
export async function sandboxUp(options: UpOptions, io: Io): Promise<number> {
  const step = steps((text) => io.err(text));
  const { name } = options;
  const cluster = clusterFolder(name);
  // What the operator declares; before there is a cluster repository, what the example does.
  const own = join(cluster, "cluster.yaml");
  const stands = findStanding(name) !== undefined;
  const model = declared(stands && existsSync(own) ? own : exampleFile(options.example));
  // Without Cloudflare there are no names for pages, and nothing proves them to Let's Encrypt.
  const follows = model.cloudflare !== null && !options.bare && (options.until ?? "gitops") === "gitops";
  // One that has followed a repository once goes on pulling what it brings.
  const hasFollowed = stands && existsSync(join(cluster, DEPLOY_KEY_PUBLIC));
  const { artifacts, gitops, rootfs, images } = await prepare({ gitops: follows || hasFollowed }, step);
  const stateDir = stateFolder(name);
  const plan = await claim(name, stateDir, nodesOf(exampleFile(options.example)).length, step);
  await ensureTrust(plan, stateDir);
  await fillMirror(stateDir, artifacts, gitops);
  await fillDebian(stateDir, rootfs);
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

  // Where the product creates servers, what is left are the operator's own.
  const nodes = model.nodes.filter(({ provider }) => model.cloudflare === null || provider === "existing");
  if (nodes.length > 0)
    step(`servers: ${nodes.map((node) => `${node.name} at ${node.provider}`).join(", ")}`);
  const servers = await createServers(plan, stateDir, nodes);
  if (!existsSync(own))
    step("the cluster's repository, by the product's own `init`; what it calls next, the sandbox does");
  await makeRepository(plan, stateDir, options.example, { model, follows }, servers);
  if (options.bare) return 0;
  step("the product's own `up`, as its operator runs it");
  const flags = [...(options.json ? ["--json"] : []), ...(options.until ? ["--until", options.until] : [])];
  const code = await product(plan, stateDir, ["up", ...(follows ? ["--push"] : []), ...flags]);
  if (follows) await registerWebhook(plan, stateDir, model);
  return code;
}

function findStanding(name: string): Plan | undefined {
  const state = readState(name);
  return state !== undefined && existsSync(`/run/netns/${namespace(state, "outer")}`) ? state : undefined;
}

/** A sandbox that stands is used again; what a crash left is cleared first. */
export async function claim(
  name: string,
  stateDir: string,
  hosts: number,
  step: (line: string) => void,
  names: Pick<Plan, "gitHost" | "registries"> = {},
): Promise<Plan> {
  const existing = findStanding(name);
  if (existing !== undefined) return existing;
  await down(name);
  ensureInotify(hosts);
  const taken = new Set(listSandboxes().map(({ index }) => index));
  const index = [...Array(16).keys()].find((candidate) => !taken.has(candidate));
  if (index === undefined)
    throw new UserError({ what: "16 sandboxes are up", fix: "end one: infra-k3s sandbox down NAME" });
  mkdirSync(join(stateDir, "logs"), { recursive: true, mode: 0o700 });
  const plan: Plan = { name, id: sandboxId(name), index, ...names };
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

export async function ensureOperatorKey(stateDir: string): Promise<void> {
  const key = operatorKey(stateDir);
  if (existsSync(key)) return;
  mkdirSync(join(stateDir, "operator"), { recursive: true, mode: 0o700 });
  await run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "operator", "-f", key]);
}

export const operatorKey = (stateDir: string) => join(stateDir, "operator/id_ed25519");

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

/** What the operator has made in each vendor's console. */
export function operatorCredentials(stateDir: string): Record<string, string> {
  const client = ensureClient(stateDir);
  const { hetzner, vultr, aws } = ensureCredentials(stateDir);
  return {
    TAILSCALE_OAUTH_CLIENT_ID: client.id,
    TAILSCALE_OAUTH_CLIENT_SECRET: client.secret,
    INFRA_K3S_SSH_KEY: operatorKey(stateDir),
    TF_VAR_hcloud_token: hetzner[0]?.token ?? "",
    TF_VAR_vultr_api_key: vultr?.[0]?.key ?? "",
    TF_VAR_aws_access_key_id: aws?.[0]?.accessKeyId ?? "",
    TF_VAR_aws_secret_access_key: aws?.[0]?.secretAccessKey ?? "",
    TF_VAR_cloudflare_api_token: cloudflareStore(join(stateDir, "clouds")).read().tokens[0]?.value ?? "",
  };
}

/** What a person would do by hand: `init`, the servers' addresses, the credentials. */
async function makeRepository(
  plan: Plan,
  stateDir: string,
  example: string,
  /** `follows`: the cluster is to follow a git repository. */
  { model, follows }: { model: ClusterModel; follows: boolean },
  servers: Servers,
): Promise<void> {
  const cluster = clusterFolder(plan.name);
  mkdirSync(cluster, { recursive: true });
  const envrc = join(cluster, ".envrc.local");
  if (!existsSync(envrc)) {
    const text = Object.entries(operatorCredentials(stateDir)).map(
      ([name, value]) => `export ${name}='${value}'\n`,
    );
    writeFileSync(envrc, text.join(""), { mode: 0o600 });
  }
  if (Object.keys(servers).length > 0)
    writeFileSync(join(cluster, "servers.json"), `${JSON.stringify(servers, null, 2)}\n`);
  const made = ["ansible/inventory/group_vars/all/vault.yml", ...(follows ? [DEPLOY_KEY_PUBLIC] : [])];
  if (!made.every((file) => existsSync(join(cluster, file)))) {
    const repository = follows ? await prepareRepository(stateDir, model, operatorKey(stateDir)) : [];
    const code = await product(plan, stateDir, [
      "init",
      cluster,
      "--yes",
      ...(existsSync(join(cluster, "cluster.yaml")) ? [] : ["--name", model.name]),
      "--example",
      example,
      ...repository,
    ]);
    if (code !== 0) throw new UserError({ what: "the cluster repository could not be made" });
  }
  if (!follows) return;
  registerDeployKey(stateDir, model, cluster);
  // What the operator makes of it later is theirs.
  if (await isPushed(stateDir, model)) return;
  const added = await product(plan, stateDir, firstApp(model));
  if (added !== 0) throw new UserError({ what: "the first app could not be added" });
}

/** The product's CLI, run where its operator is. */
async function product(plan: Plan, stateDir: string, args: readonly string[]): Promise<number> {
  const { argv, env } = productCommand(plan, stateDir, args);
  const [file, ...rest] = argv;
  interruption.signal.throwIfAborted();
  // It asks nothing, and is told of a Ctrl-C by us.
  const output = { stdin: "ignore", stdout: "inherit", stderr: "inherit" } as const;
  const child = execa(file, rest, { ...output, detached: true, reject: false, env });
  const { exitCode } = await child.finally(follow(child, "told"));
  interruption.signal.throwIfAborted();
  return exitCode ?? 1;
}
