import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { LockInfo } from "./messages.ts";
import { isLeftByUs, noteRun, operator } from "./runs.ts";

let root: string;
beforeEach(() => void (root = mkdtempSync(join(tmpdir(), "infra-k3s-runs-"))));
afterEach(() => rmSync(root, { recursive: true }));

/** A lock as OpenTofu tells it, taken so many seconds after now. */
const lock = (who = operator(), after = 1): LockInfo => ({
  id: "1",
  who,
  operation: "OperationTypeApply",
  created: new Date(Date.now() + after * 1000).toISOString().replace("T", " ").replace("Z", " +0000 UTC"),
});
const ended = () => spawnSync("true").pid;

test("a lock that a run of ours left when it was killed is ours, once", async () => {
  noteRun(root, "hetzner", ended());

  expect(await isLeftByUs(root, "hetzner", lock())).toBe(true);
  expect(await isLeftByUs(root, "hetzner", lock())).toBe(false);
});

test.each([
  ["of somebody else", "hetzner", lock("somebody@elsewhere")],
  ["of another stack", "aws", lock()],
  ["taken long after our run began", "hetzner", lock(operator(), 120)],
  ["taken before our run began", "hetzner", lock(operator(), -60)],
])("a lock %s is not ours", async (_, stack, other) => {
  noteRun(root, "hetzner", ended());

  expect(await isLeftByUs(root, stack, other)).toBe(false);
});

test("nor is any where our run came to its end, or there was none", async () => {
  noteRun(root, "hetzner", ended())();

  expect(await isLeftByUs(root, "hetzner", lock())).toBe(false);
  expect(await isLeftByUs(join(root, "none"), "hetzner", lock())).toBe(false);
});

test("a run that outlived its command is waited for", async () => {
  const child = spawn("sleep", ["0.7"]);
  await once(child, "spawn");
  noteRun(root, "hetzner", child.pid ?? 0);
  let over = false;
  child.once("exit", () => (over = true));

  expect(await isLeftByUs(root, "hetzner", lock())).toBe(true);
  expect(over).toBe(true);
});
