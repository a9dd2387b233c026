import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { alone } from "./lock.ts";

let folder: string;
let lock: string;
const said: string[] = [];
const say = (line: string) => void said.push(line);

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "infra-k3s-lock-"));
  lock = join(folder, "lock");
  said.length = 0;
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test("work is done alone, and the lock goes with it", async () => {
  const result = await alone(lock, say, async () => existsSync(lock));
  expect(result).toBe(true);
  expect(readdirSync(folder)).toEqual([]);
  expect(said).toEqual([]);
});

test("the lock goes with work that fails", async () => {
  await expect(alone(lock, say, () => Promise.reject(new Error("failed")))).rejects.toThrow("failed");
  expect(readdirSync(folder)).toEqual([]);
});

test("a second waits for the first, and says for whom", async () => {
  const order: string[] = [];
  const { promise: held, resolve: release } = Promise.withResolvers<void>();
  const first = alone(lock, say, async () => {
    await held;
    order.push("first");
  });
  const second = alone(lock, say, async () => void order.push("second"));
  await expect.poll(() => said).toEqual([`process ${process.pid} is building already: waiting for it`]);
  release();
  await Promise.all([first, second]);
  expect(order).toEqual(["first", "second"]);
});

test("the lock of a process that died is taken over", async () => {
  // Above the kernel's largest process number: never alive.
  writeFileSync(lock, "4194305");
  expect(await alone(lock, say, async () => "done")).toBe("done");
  expect(readdirSync(folder)).toEqual([]);
});
