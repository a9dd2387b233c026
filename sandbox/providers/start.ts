import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ensurePrograms } from "../artifacts/programs.ts";
import { processesIn } from "../lifecycle/processes.ts";
import { placeCommand, reattachFile } from "../network/places.ts";
import { type Plan, prefix } from "../network/plan.ts";
import { start } from "../services/start.ts";

const VENDORS = ["hcloud", "vultr", "aws", "cloudflare"];

/**
 * Serves the stand-in providers from the operator's place, where the vendors' names are the sandbox's, until the sandbox ends. Gives
 * the value of TF_REATTACH_PROVIDERS, which every command in that place has from then on.
 */
export async function startProviders(
  plan: Plan,
  stateDir: string,
  progress: (line: string) => void,
): Promise<string> {
  const folder = await ensurePrograms(import.meta.dirname, progress);
  const sockets = join(stateDir, "providers");
  mkdirSync(sockets, { recursive: true, mode: 0o700 });
  // Sockets of a program that was killed.
  if (processesIn(`${prefix(plan)}/providers`).length === 0) {
    for (const entry of readdirSync(sockets)) rmSync(join(sockets, entry));
  }
  const program = ["env", `PLUGIN_UNIX_SOCKET_DIR=${sockets}`, join(folder, "provider"), ...VENDORS];
  const command = [...placeCommand(plan, "operator", stateDir), ...program];
  await start(plan, stateDir, "providers", command, (log) => reattachIn(log) !== undefined);
  const reattach = reattachIn(readFileSync(join(stateDir, "logs/providers.log"), "utf8"));
  if (reattach === undefined) {
    throw new Error(
      `the providers do not say how to reach them: see ${join(stateDir, "logs/providers.log")}`,
    );
  }
  const file = reattachFile(stateDir);
  if (!existsSync(file) || readFileSync(file, "utf8") !== reattach) writeFileSync(file, reattach);
  return reattach;
}

/** The line of a log in which the program says how OpenTofu reaches its providers. */
export function reattachIn(log: string): string | undefined {
  const ended = log.slice(0, log.lastIndexOf("\n") + 1);
  return ended.split("\n").find((line) => line.startsWith('{"registry.opentofu.org/'));
}
