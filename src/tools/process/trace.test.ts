import { expect, test } from "vitest";
import { run } from "./process.ts";
import { describe, traceTo } from "./trace.ts";

test("a command line is shown as a shell takes it, its long words cut", () => {
  expect(describe({ argv: ["sh", "-c", "it's\n  here", `x${"y".repeat(300)}`] })).toBe(
    `sh -c 'it'\\''s here' x${"y".repeat(159)}…`,
  );
});

test("what only the environment holds is not shown, not even where it slipped into argv", () => {
  const env = { TF_VAR_hcloud_token: "abcdefghij", PLAIN: "visible-value" };
  const shown = describe({ argv: ["curl", "-H", "x: abcdefghij", "visible-value"], env });
  expect(shown).toBe("curl -H 'x: •••' visible-value");
});

test("each program is told with its end", async () => {
  const lines: string[] = [];
  traceTo((line) => lines.push(line));
  await run({ argv: ["sh", "-c", "exit 3"], cwd: "/", env: { A_SECRET: "never-shown" } });
  await expect(run({ argv: ["no-such-program"] })).rejects.toThrow("not installed");

  expect(lines[0]).toBe("$ sh -c 'exit 3'  (in /)");
  expect(lines[1]).toMatch(/^= sh: 3 after \d+\.\d s$/);
  expect(lines[3]).toMatch(/^= no-such-program: not started/);
  expect(lines.join()).not.toContain("never-shown");
});
