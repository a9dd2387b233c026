import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Plan } from "./network/plan.ts";
import { stateFolder, statesFolder } from "./paths.ts";

/** What is written of a sandbox: enough to know its addresses. Everything else is seen, not remembered. */
export type SandboxState = Plan;

const FILE = "sandbox.json";

export function readState(name: string): SandboxState | undefined {
  const path = join(stateFolder(name), FILE);
  return existsSync(path) ? (JSON.parse(readFileSync(path, "utf8")) as SandboxState) : undefined;
}

/** The sandboxes of this user. */
export function listSandboxes(): SandboxState[] {
  if (!existsSync(statesFolder())) return [];
  return readdirSync(statesFolder())
    .sort()
    .flatMap((name) => readState(name) ?? []);
}
