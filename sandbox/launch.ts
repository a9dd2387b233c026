import { readlinkSync, statSync } from "node:fs";
import { resolve } from "node:path";
import { EXIT } from "../src/output/errors.ts";
import { findRepository } from "../src/repository/locate.ts";
import { PRODUCT_ROOT } from "../src/repository/shipped.ts";
import { placeCommand } from "./network/places.ts";
import { namespace } from "./network/plan.ts";
import { clusterFolder, stateFolder } from "./paths.ts";
import { listSandboxes, type SandboxState } from "./state.ts";

/**
 * What the launcher starts. A cluster of a sandbox is operated from that sandbox's operator place: the command is run
 * there, unchanged. Every other command is the product's own, at once.
 */
const argv = process.argv.slice(2);
const cluster = chosenCluster();
const sandbox = listSandboxes().find(({ name }) => clusterFolder(name) === cluster);
if (sandbox === undefined || isInside(sandbox)) await import("../src/cli.ts");
else process.exitCode = await runInside(sandbox);

/** As the product chooses, but without a cluster at hand the only sandbox is meant. */
function chosenCluster(): string | undefined {
  if (["init", "sandbox", "--help", "-h", "--version", "-v", undefined].includes(argv[0])) return undefined;
  const named = namedCluster() ?? process.env["INFRA_K3S_CLUSTER"];
  if (named !== undefined) return resolve(named);
  const here = findRepository(process.cwd());
  if (here !== undefined) return here;
  const [only, ...others] = listSandboxes().map(({ name }) => clusterFolder(name));
  if (others.length === 0) return only;
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

function isInside(plan: SandboxState): boolean {
  const path = `/run/netns/${namespace(plan, "operator")}`;
  const inode = statSync(path, { throwIfNoEntry: false })?.ino;
  return inode === undefined || readlinkSync("/proc/self/ns/net") === `net:[${inode}]`;
}

async function runInside(plan: SandboxState): Promise<number> {
  // Half of what `--help` would wait for.
  const { execa } = await import("execa");
  const [file, ...prefix] = placeCommand(plan, "operator", stateFolder(plan.name));
  const cli = resolve(PRODUCT_ROOT, "src/cli.ts");
  const child = execa(file, [...prefix, process.execPath, ...process.execArgv, cli, ...argv], {
    stdio: "inherit",
    reject: false,
    env: { INFRA_K3S_CLUSTER: clusterFolder(plan.name) },
  });
  // The terminal sends Ctrl-C to both; the child decides how to end.
  process.on("SIGINT", () => {});
  process.on("SIGTERM", () => child.kill("SIGTERM"));
  return (await child).exitCode ?? 1;
}
