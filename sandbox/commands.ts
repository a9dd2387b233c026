import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { execa } from "execa";
import { EXIT, UserError } from "../src/output/errors.ts";
import type { Io } from "../src/output/io.ts";
import { table } from "../src/output/table.ts";
import { hostCgroup, hostCommand } from "./hosts/server.ts";
import { down } from "./lifecycle/down.ts";
import { processesIn } from "./lifecycle/processes.ts";
import { runLink } from "./network/link-command.ts";
import { placeCommand } from "./network/places.ts";
import { namespace, prefix } from "./network/plan.ts";
import { clusterFolder, DRILLS, importFolder, stateFolder } from "./paths.ts";
import { prepare, steps } from "./prepare.ts";
import { PEBBLES } from "./services/names.ts";
import { listSandboxes, readState, type SandboxState } from "./state.ts";
import { sandboxUp } from "./up.ts";

const HELP = `USAGE
  infra-k3s sandbox up [--example NAME] [--bare] [--until STAGE]
                                                   an internet on this machine, three servers, and the cluster on them
  infra-k3s sandbox build                          make all that a sandbox is made of, and start nothing
  infra-k3s sandbox down                           end it and leave nothing
  infra-k3s sandbox status [--json]                what stands
  infra-k3s sandbox exec PLACE -- COMMAND…         run a command in a place: operator, internet, outer, or a server
  infra-k3s sandbox link [A B] [--delay MS] [--loss PERCENT] [--down|--udp-down|--up] [--one-way] [--json]
                                                   show the links, or change one between clouds or servers; --reset undoes all
  infra-k3s sandbox logs [NAME]                    the log of a service or server's console; without NAME, their names

FLAGS
  --name NAME   which sandbox; default: default
  --example     the example cluster to make; default: three-clouds
  --bare        servers only: leave the cluster to your own \`infra-k3s up\`
  --until       the last stage of the product's \`up\`, such as verify: a cluster that follows no repository yet
  --json        up: the events of the product's \`up\`; status, link: one JSON object
  --delay       milliseconds that a packet takes in each direction
  --one-way     from A to B only
`;

/** The sandbox's own programs, each with a cgroup of its name. */
const SERVICES = [
  "link",
  "s3",
  "headscale",
  ...Object.values(PEBBLES).map(({ name }) => name),
  "services",
  "providers",
  "registry",
];

/** `infra-k3s sandbox …`; returns the exit code. */
export async function runSandbox(argv: readonly string[], io: Io): Promise<number> {
  const end = argv.indexOf("--");
  const { values, positionals } = parse(end === -1 ? argv : argv.slice(0, end));
  const command = end === -1 ? [] : argv.slice(end + 1);
  const [verb, ...rest] = positionals;
  const [target] = rest;
  const name = values.name;
  if (values.help || verb === undefined) {
    io.out(HELP);
    return verb === undefined && !values.help ? EXIT.usage : EXIT.ok;
  }
  switch (verb) {
    case "up":
      return sandboxUp(
        { name, example: values.example, bare: values.bare, json: values.json, until: values.until },
        io,
      );
    case "build":
      await prepare(
        { gitops: true },
        steps((text) => io.err(text)),
      );
      io.err("all that a sandbox is made of is in the user's cache\n");
      return EXIT.ok;
    case "down":
      await down(name);
      if (name.startsWith(DRILLS)) rmSync(importFolder(name), { recursive: true, force: true });
      io.err(`sandbox ${name}: nothing of it is left\n`);
      return EXIT.ok;
    case "status":
      return status(name, values.json, io);
    case "exec":
      return execute(standing(name), target, command);
    case "link":
      return runLink(standing(name), rest, values, io);
    case "logs":
      return logs(name, target, io);
    default:
      throw new UserError(
        { what: `there is no command "sandbox ${verb}"`, fix: "infra-k3s sandbox --help" },
        EXIT.usage,
      );
  }
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        name: { type: "string", default: "default" },
        example: { type: "string", default: "three-clouds" },
        bare: { type: "boolean", default: false },
        until: { type: "string" },
        json: { type: "boolean", default: false },
        delay: { type: "string" },
        loss: { type: "string" },
        down: { type: "boolean", default: false },
        "udp-down": { type: "boolean", default: false },
        up: { type: "boolean", default: false },
        reset: { type: "boolean", default: false },
        "one-way": { type: "boolean", default: false },
        help: { type: "boolean", short: "h", default: false },
      },
    });
  } catch (error) {
    const what = error instanceof Error ? error.message : String(error);
    throw new UserError({ what, fix: "infra-k3s sandbox --help" }, EXIT.usage);
  }
}

function standing(name: string): SandboxState {
  const state = readState(name);
  if (state !== undefined) return state;
  const names = listSandboxes().map((sandbox) => sandbox.name);
  throw new UserError({
    what: `there is no sandbox ${name}`,
    fix: names.length === 0 ? "infra-k3s sandbox up" : `sandboxes: ${names.join(", ")}`,
  });
}

function hostNames(name: string): string[] {
  const folder = join(stateFolder(name), "hosts");
  return existsSync(folder) ? readdirSync(folder).sort() : [];
}

function status(name: string, json: boolean, io: Io): number {
  const plan = standing(name);
  const hosts = hostNames(name).map((host) => ({
    name: host,
    running: processesIn(hostCgroup(plan, host)).length > 0,
  }));
  const services = SERVICES.map((service) => ({
    name: service,
    running: processesIn(`${prefix(plan)}/${service}`).length > 0,
  }));
  const all = [...services, ...hosts];
  if (json) io.out(`${JSON.stringify({ name, cluster: clusterFolder(name), services, hosts })}\n`);
  else {
    const rows = all.map((part) => [part.name, part.running ? "running" : "off"]);
    io.out(`sandbox ${name}, cluster repository ${clusterFolder(name)}\n\n${table(["PART", "STATE"], rows)}`);
  }
  return all.every((part) => part.running) ? EXIT.ok : EXIT.failed;
}

/** The child's own exit code and terminal. */
async function execute(
  plan: SandboxState,
  place: string | undefined,
  command: readonly string[],
): Promise<number> {
  if (place === undefined || command.length === 0) {
    throw new UserError(
      { what: "where, and what?", fix: "infra-k3s sandbox exec PLACE -- COMMAND…" },
      EXIT.usage,
    );
  }
  const [file, ...rest] = [...placePrefix(plan, place), ...command];
  const child = execa(file ?? "", rest, { stdio: "inherit", reject: false });
  const watch = setInterval(() => wake(child.pid), 1000);
  const result = await child;
  clearInterval(watch);
  return result.exitCode ?? EXIT.failed;
}

/**
 * A host that goes down stops all its processes before it ends them; nsenter, their parent out here, then stops itself and
 * would never take them away, and the host would never be down.
 */
function wake(pid: number | undefined): void {
  if (pid === undefined || process.stdin.isTTY) return;
  try {
    if (/^State:\tT/m.test(readFileSync(`/proc/${pid}/status`, "utf8"))) process.kill(pid, "SIGCONT");
  } catch {
    // It has ended.
  }
}

function placePrefix(plan: SandboxState, place: string): readonly string[] {
  if (place === "operator" || place === "internet") return placeCommand(plan, place, stateFolder(plan.name));
  if (place === "outer") return ["nsenter", `--net=/run/netns/${namespace(plan, "outer")}`];
  const hosts = hostNames(plan.name);
  if (hosts.includes(place)) return hostCommand(plan, place);
  const places = ["operator", "internet", "outer", ...hosts];
  throw new UserError(
    { what: `there is no place "${place}"`, fix: `places: ${places.join(", ")}` },
    EXIT.usage,
  );
}

function logs(name: string, target: string | undefined, io: Io): number {
  standing(name);
  const folder = join(stateFolder(name), "logs");
  const names = readdirSync(folder).sort();
  if (target === undefined) io.out(names.map((file) => `${file.replace(/\.log$/, "")}\n`).join(""));
  else {
    const file = names.find((candidate) => candidate === target || candidate === `${target}.log`);
    if (file === undefined)
      throw new UserError({ what: `no log "${target}"`, fix: `logs: ${names.join(", ")}` }, EXIT.usage);
    io.out(readFileSync(join(folder, file), "utf8"));
  }
  return EXIT.ok;
}
