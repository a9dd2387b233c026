import { readlinkSync, statSync } from "node:fs";
import { flushCompileCache } from "node:module";
import { resolve } from "node:path";
import { EXIT } from "../src/output/errors.ts";
import { findRepository } from "../src/repository/locate.ts";
import { namespace } from "./network/plan.ts";
import { clusterFolder, DRILLS, stateFolder } from "./paths.ts";
import { productCommand } from "./product.ts";
import { listSandboxes, type SandboxState } from "./state.ts";

/**
 * What the launcher starts. A cluster of a sandbox is operated from that sandbox's operator place: the command is run
 * there, unchanged. Every other command is the product's own, at once.
 */
const argv = process.argv.slice(2);
const cluster = chosenCluster();
const sandbox = listSandboxes().find(({ name }) => clusterFolder(name) === cluster);
if (argv[0] === "__complete" && cluster !== undefined) process.env["INFRA_K3S_CLUSTER"] ??= cluster;
if (sandbox === undefined || isInside(sandbox) || argv[0] === "__complete") await import("../src/cli.ts");
else if (isDrill()) {
  // It makes another sandbox, beside the one it drills, which no place in that can do.
  process.env["INFRA_K3S_CLUSTER"] = cluster;
  await import("../src/cli.ts");
} else runInside(sandbox);

/** As the product chooses, but without a cluster at hand the only sandbox is meant. */
function chosenCluster(): string | undefined {
  // DIR may be a cluster that stands: what it lacks is fetched where its operator is.
  if (argv[0] === "init") return [...argv.slice(1), "."].map((one) => resolve(one)).find(isOfSandbox);
  if (["sandbox", "completion", "--help", "-h", "--version", "-v", undefined].includes(argv[0]))
    return undefined;
  const named = namedCluster() ?? process.env["INFRA_K3S_CLUSTER"];
  if (named !== undefined) return resolve(named);
  const here = findRepository(process.cwd());
  if (here !== undefined) return here;
  // A drill's comes and goes, and is nobody's cluster.
  const lasting = listSandboxes().filter(({ name }) => !name.startsWith(DRILLS));
  const [only, ...others] = lasting.map(({ name }) => clusterFolder(name));
  if (others.length === 0) return only;
  if (argv[0] === "__complete") return undefined;
  process.stderr.write(
    `several sandboxes are up; name the cluster with --cluster:\n  ${[only, ...others].join("\n  ")}\n`,
  );
  process.exit(EXIT.usage);
}

function namedCluster(): string | undefined {
  const passthrough = argv[0] === "kubectl" || argv[0] === "ssh";
  const ours = passthrough ? argv.slice(0, 3) : argv;
  const index = ours.indexOf("--cluster");
  return index === -1
    ? ours.find((arg) => arg.startsWith("--cluster="))?.slice("--cluster=".length)
    : ours[index + 1];
}

/** A drill as a whole: its parts run where the cluster's operator is, as all else. */
function isDrill(): boolean {
  return argv[0] === "drill" && !["init", "import", "compare"].includes(argv[1] ?? "");
}

function isOfSandbox(folder: string): boolean {
  return listSandboxes().some(({ name }) => clusterFolder(name) === folder);
}

function isInside(plan: SandboxState): boolean {
  const path = `/run/netns/${namespace(plan, "operator")}`;
  const inode = statSync(path, { throwIfNoEntry: false })?.ino;
  return inode === undefined || readlinkSync("/proc/self/ns/net") === `net:[${inode}]`;
}

/** In this process's place: what a terminal or another program sends it reaches the command itself, once. */
function runInside(plan: SandboxState): never {
  flushCompileCache();
  const command = productCommand(plan, stateFolder(plan.name), argv);
  const env = Object.entries({ ...process.env, ...command.env }).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, value] as const],
  );
  if (process.execve === undefined) throw new Error("a sandbox needs Linux");
  return process.execve("/usr/bin/env", ["env", ...command.argv], Object.fromEntries(env));
}
