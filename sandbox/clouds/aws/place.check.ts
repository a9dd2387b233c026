import assert from "node:assert/strict";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { execa } from "execa";
import { placeCommand } from "../../network/places.ts";
import type { Plan } from "../../network/plan.ts";
import { sandboxId, stateFolder } from "../../paths.ts";

export const NAME = "check-aws";
export const PLAN: Plan = { name: NAME, id: sandboxId(NAME), index: 13 };
export const STATE = stateFolder(NAME);
export const folder = join(STATE, "check");
export const key = join(folder, "id");
export const say = (line: string) => void process.stdout.write(`${line}\n`);

export async function until(holds: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 60_000;
  while (!(await holds())) {
    assert.ok(Date.now() < deadline, `in vain: ${holds.toString()}`);
    await sleep(500);
  }
}

export async function inOperator(argv: readonly string[]): Promise<string> {
  const [file, ...args] = placeCommand(PLAN, "operator", STATE);
  return (await execa(file, [...args, ...argv], { reject: false })).stdout.trim();
}

export async function answers(address: string): Promise<boolean> {
  const probe = `exec 3<>/dev/tcp/${address}/22 && read -r -t 2 banner <&3 && echo "$banner"`;
  return (await inOperator(["timeout", "3", "bash", "-c", probe])).startsWith("SSH-");
}

export async function ssh(address: string, command: string): Promise<string> {
  const options = ["BatchMode=yes", "StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "ConnectTimeout=3", "LogLevel=ERROR"]; // prettier-ignore
  return inOperator([
    "ssh",
    "-i",
    key,
    ...options.flatMap((one) => ["-o", one]),
    `admin@${address}`,
    command,
  ]);
}
