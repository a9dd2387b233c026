import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { expect, test, vi } from "vitest";

// Each starts processes, on a machine that may be busy.
vi.setConfig({ testTimeout: 60_000 });

/** On a terminal of its own, which util-linux's `script` makes: asks, is typed at, and shows how it left the terminal. */
async function typed(how: "line" | "hidden", keys: string): Promise<string> {
  const program = `'${process.execPath}' '${join(import.meta.dirname, "asks.ts")}' ${how}`;
  const child = spawn("script", ["-qec", `stty sane; ${program}; echo "exit $?"; stty -a`, "/dev/null"]);
  let said = "";
  child.stdout.on("data", (chunk: Buffer) => (said += chunk.toString()));
  await expect.poll(() => said, { timeout: 30_000 }).toMatch(/(Name|Value): /);
  child.stdin.write(keys);
  await once(child, "close");
  return said;
}

test.each(["line", "hidden"] as const)(
  "Ctrl-C at a %s ends with 130 and the terminal as it was",
  async (how) => {
    const said = await typed(how, "half\x03");

    expect(said).toContain("interrupted");
    expect(said).toContain("exit 130");
    expect(said).toMatch(/[^-]icanon/);
    expect(said).toMatch(/[^-]echo\b/);
    expect(said).not.toContain("got <");
  },
);

test("what is typed is taken; of a hidden one nothing is shown", async () => {
  expect(await typed("line", "prod\r")).toContain("got <prod>");
  const hidden = await typed("hidden", "secret\r");
  expect(hidden).toContain("got <secret>");
  expect(hidden.replace("got <secret>", "")).not.toContain("secret");
});

test("Ctrl-D is no answer", async () => {
  expect(await typed("line", "\x04")).toContain("got <undefined>");
});
