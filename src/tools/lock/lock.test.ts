import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { withLock } from "./lock.ts";

let root: string;
beforeEach(() => (root = mkdtempSync(join(tmpdir(), "lock-"))));
afterEach(() => rmSync(root, { recursive: true }));

const idle = async (): Promise<string> => "done";
const hold = (pid: number, began: string): void => {
  mkdirSync(join(root, ".infra-k3s"));
  writeFileSync(join(root, ".infra-k3s/lock"), JSON.stringify({ pid, began, command: "up", since: "then" }));
};
const beganAt = (pid: number): string =>
  readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ")[19] ?? "";

test("a second command is told who changes the cluster", async () => {
  await withLock(root, "up", async () => {
    await expect(withLock(root, "destroy", idle)).rejects.toThrow(
      `changing this cluster: up (process ${process.pid}`,
    );
  });
  expect(await withLock(root, "destroy", idle)).toBe("done");
});

test("the lock of a process that is gone, or whose number another has now, is taken over", async () => {
  hold(process.pid, "1");
  expect(await withLock(root, "up", idle)).toBe("done");
});

test("a killed process that its parent has not buried holds nothing", async () => {
  const parent = spawn("sh", ["-c", "sleep 60 & echo $!; exec sleep 60"]);
  const [line] = (await once(parent.stdout, "data")) as [Buffer];
  const pid = Number(line.toString());
  hold(pid, beganAt(pid));
  await expect(withLock(root, "up", idle)).rejects.toThrow("another command");

  process.kill(pid, "SIGKILL");
  await expect.poll(() => readFileSync(`/proc/${pid}/stat`, "utf8")).toContain(") Z ");
  expect(await withLock(root, "up", idle)).toBe("done");
  parent.kill("SIGKILL");
});
