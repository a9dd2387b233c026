import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

// Each starts processes, on a machine that may be busy.
vi.setConfig({ testTimeout: 60_000 });

const PROGRAM = join(import.meta.dirname, "interrupted.ts");

const WAIT = { timeout: 30_000 };

let folder: string;
const started: ChildProcess[] = [];
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "interrupted-"))));
afterEach(() => {
  for (const child of started.splice(0)) child.kill("SIGKILL");
  rmSync(folder, { recursive: true });
});

/** A long command of ours, once it is at its long stage. */
async function begun(script?: string) {
  const args = [PROGRAM, folder, ...(script === undefined ? [] : [script])];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "ignore", "pipe"] });
  started.push(child);
  let said = "";
  child.stderr.on("data", (chunk: Buffer) => (said += chunk.toString()));
  const end = once(child, "close") as Promise<[number | null, NodeJS.Signals | null]>;
  await expect.poll(() => said, WAIT).toContain("begun");
  return { child, said: () => said, end, pid: child.pid ?? 0 };
}

const lock = () => join(folder, ".infra-k3s/lock");
/** Tells its own number, then that it was told to end, then ends: as a program in good order does. */
const orderly = () => `trap 'sleep 0.3; echo told >>${folder}/log; exit 1' INT; echo $$ >${folder}/pid; while :; do sleep 0.05; done`; // prettier-ignore
/** One that does not hear. */
const deaf = () => `trap "" INT TERM; echo $$ >${folder}/pid; while :; do sleep 0.05; done`;
const written = (name: string) =>
  existsSync(join(folder, name)) ? readFileSync(join(folder, name), "utf8").trim() : "";
const isAlive = (pid: string) => existsSync(`/proc/${pid}`) && !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, "utf8")); // prettier-ignore

describe("a long command", () => {
  test.each([
    ["SIGINT", 130],
    ["SIGTERM", 143],
    ["SIGHUP", 129],
  ] as const)(
    "%s: its program is told once and comes to its end; what is done is told; exit %i",
    async (signal, code) => {
      const { child, said, end } = await begun(orderly());
      await expect.poll(() => written("pid"), WAIT).not.toBe("");
      child.kill(signal);

      expect((await end)[0]).toBe(code);
      expect(written("log")).toBe("told");
      expect(said()).toContain(
        `warning: interrupted by ${signal}; done: first; stopped in: long; not begun: last`,
      );
      expect(said()).toMatch(/interrupted after [\d.]+ s, changed: 0/);
      expect(existsSync(lock())).toBe(false);
    },
  );

  test("that waits for no program ends as well", async () => {
    const { child, said, end } = await begun();
    const start = performance.now();
    child.kill("SIGINT");

    expect((await end)[0]).toBe(130);
    expect(performance.now() - start).toBeLessThan(10_000);
    expect(said()).toContain("done: first; stopped in: long; not begun: last");
    expect(existsSync(lock())).toBe(false);
  });

  test("a second Ctrl-C ends it at once, with a program that does not hear, and the lock is free", async () => {
    const { child, said, end } = await begun(deaf());
    await expect.poll(() => written("pid"), WAIT).not.toBe("");
    child.kill("SIGINT");
    await expect.poll(said, WAIT).toContain("asked to end in good order");
    expect(child.exitCode).toBeNull();
    child.kill("SIGINT");

    expect((await end)[0]).toBe(130);
    await expect.poll(() => isAlive(written("pid")), WAIT).toBe(false);
    expect(existsSync(lock())).toBe(false);
  });

  test("two at once: the second names the holder's command, process and time, and does nothing", async () => {
    const first = await begun();
    const second = spawn(process.execPath, [PROGRAM, folder], { stdio: ["ignore", "ignore", "pipe"] });
    started.push(second);
    let said = "";
    second.stderr.on("data", (chunk: Buffer) => (said += chunk.toString()));
    await once(second, "close");

    expect(said).toMatch(
      new RegExp(
        `another command is changing this cluster: long command \\(process ${first.pid}, since \\d{4}-.*Z\\)`,
      ),
    );
    expect(said).not.toContain("begun");
    expect(existsSync(lock())).toBe(true);
  });

  test("SIGKILL: the next one ends what was left running, then takes over", async () => {
    const first = await begun(orderly());
    await expect.poll(() => written("pid"), WAIT).not.toBe("");
    first.child.kill("SIGKILL");
    await first.end;
    expect([existsSync(lock()), isAlive(written("pid"))]).toEqual([true, true]);
    const orphan = written("pid");
    const next = await begun();

    expect([isAlive(orphan), written("log")]).toEqual([false, "told"]);
    next.child.kill("SIGINT");
    await next.end;
    expect(existsSync(lock())).toBe(false);
  });

  test("of many that find a dead lock at once, one alone takes it", async () => {
    const dead = await begun();
    dead.child.kill("SIGKILL");
    await dead.end;
    const said: string[] = [];
    for (let i = 0; i < 4; i++) {
      const child = spawn(process.execPath, [PROGRAM, folder], { stdio: ["ignore", "ignore", "pipe"] });
      started.push(child);
      child.stderr.on("data", (chunk: Buffer) => said.push(chunk.toString()));
    }
    const count = (pattern: RegExp) => said.join("").match(pattern)?.length ?? 0;
    await expect.poll(() => count(/another command is/g), WAIT).toBe(3);
    await expect.poll(() => count(/begun/g), WAIT).toBe(1);
  });
});
