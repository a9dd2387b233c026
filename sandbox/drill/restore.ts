import { mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { execa } from "execa";
import type { Comparison } from "../../src/backup-inventory/compare.ts";
import { type DrillImport, LAYOUT } from "../../src/drill/import.ts";
import { UserError } from "../../src/output/errors.ts";
import type { Event } from "../../src/output/events.ts";
import { cacheFolder } from "../../src/tools/cache.ts";
import { fileOf } from "../../src/tools/s3/copy.ts";
import { clusterFolder } from "../paths.ts";
import { productCommand } from "../product.ts";
import { operatorCredentials } from "../up.ts";
import type { DrillPlace } from "./place.ts";
import type { Timeline } from "./timeline.ts";

const RESTORE_MS = 4 * 60 * 60_000;

/** The product's own command, where the drill's operator is: a new machine, with an empty home and the vendors' credentials. */
function inPlace({ plan, stateDir }: DrillPlace, args: readonly string[]) {
  const home = join(stateDir, "operator/home");
  mkdirSync(home, { recursive: true, mode: 0o700 });
  const { argv, env } = productCommand(plan, stateDir, args);
  const [file, ...rest] = argv;
  const environment = {
    PATH: process.env["PATH"] ?? "",
    HOME: home,
    XDG_CACHE_HOME: dirname(cacheFolder()),
    LANG: "C.UTF-8",
    ...env,
    ...operatorCredentials(stateDir),
  };
  return execa(file, rest, { cwd: home, env: environment, extendEnv: false, reject: false, stdin: "ignore", timeout: RESTORE_MS }); // prettier-ignore
}

/** `restore all`, each of its stages a step of the timeline. */
export async function restoreAll(
  place: DrillPlace,
  identity: string,
  { repository }: Pick<DrillImport, "repository">,
  timeline: Timeline,
  progress: (line: string) => void,
): Promise<void> {
  const args = ["restore", "all", clusterFolder(place.plan.name), "--kit", place.kit, "--identity", identity, "--repository", repository, "--yes", "--push", "--json"]; // prettier-ignore
  const child = inPlace(place, args);
  const errors: string[] = [];
  let isDone = false;
  for await (const line of child.iterable({ from: "stdout" })) {
    const event = parseEvent(line);
    if (event?.event === "log") progress(event.message);
    if (event?.event === "log" && event.level === "error") errors.push(event.message);
    if (event?.event === "host" && event.state === "failed")
      errors.push(`${event.host}: ${event.task}: ${event.message}`);
    if (event?.event === "stage" && event.state === "start") progress(`restore: ${event.stage}`);
    if (event?.event === "stage" && event.state !== "start")
      timeline.told(`restore: ${event.stage}`, event.seconds, event.state === "done", event.state === "done" ? "" : errors.join("\n")); // prettier-ignore
    if (event?.event === "done") isDone = event.ok;
  }
  const { exitCode, stderr } = await child;
  if (exitCode === 0 && isDone) return;
  const said = errors.join("\n") || stderr.trim().split("\n").slice(-15).join("\n");
  throw new UserError({ what: `restore all did not come to its end\n${said}` });
}

export function parseEvent(line: string): Event | undefined {
  try {
    return JSON.parse(line) as Event;
  } catch {
    return undefined;
  }
}

/** The restored cluster beside the inventory of its backup. */
export async function compare(
  place: DrillPlace,
  identity: string,
  folder: string,
  { backup, backupBucket }: Pick<DrillImport, "backup" | "backupBucket">,
): Promise<Comparison> {
  const inventory = fileOf(join(folder, LAYOUT.objects), backupBucket, `inventory/${backup}.jsonl.gz.age`);
  const cluster = clusterFolder(place.plan.name);
  const args = ["drill", "compare", "--cluster", cluster, "--inventory", inventory, "--identity", identity];
  const { stdout, stderr } = await inPlace(place, args);
  const line = stdout.trim();
  if (line.startsWith("{")) return JSON.parse(line) as Comparison;
  throw new UserError({ what: `what was restored can't be compared: ${stderr.trim().split("\n").slice(-10).join("\n")}` }); // prettier-ignore
}
