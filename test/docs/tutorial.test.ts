import { spawnSync } from "node:child_process";
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { blocksOf, isAsWritten } from "./tutorial.ts";

const ROOT = join(import.meta.dirname, "../..");

/** As after `init`, with the real CLI on the PATH. */
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "tutorial-"));
  mkdirSync(join(folder, "my-cluster"));
  copyFileSync(join(ROOT, "examples/three-clouds/cluster.yaml"), join(folder, "my-cluster/cluster.yaml"));
  const launcher = `#!/bin/sh\nexec '${process.execPath}' --disable-warning=ExperimentalWarning '${ROOT}/src/cli.ts' "$@"\n`;
  writeFileSync(join(folder, "infra-k3s"), launcher);
  chmodSync(join(folder, "infra-k3s"), 0o755);
});
afterAll(() => rmSync(folder, { recursive: true }));

test("what the tutorial shows of init and validate is what they say", () => {
  const quick = blocksOf().filter(({ kind }) => kind === "quick");
  expect(quick.length).toBe(3);
  let status = 0;
  for (const { line, output } of quick.flatMap(({ commands }) => commands)) {
    const run = spawnSync("sh", ["-c", line.replace("$?", String(status))], {
      cwd: folder,
      encoding: "utf8",
      env: { PATH: `${folder}:${process.env["PATH"]}`, HOME: folder },
    });
    status = run.status ?? -1;
    const said = run.stdout + run.stderr;
    expect(isAsWritten(said, output) || `${line}\n${said}`).toBe(true);
  }
}, 60_000);

test("each block says how it is checked, and names commands that there are", () => {
  const blocks = blocksOf();
  expect(new Set(blocks.map(({ kind }) => kind))).toEqual(new Set(["quick", "sandbox", "by hand"]));
  expect(blocks.every(({ commands }) => commands.length > 0)).toBe(true);
});

test.each([
  ["a b\n", "a b", true],
  ["a 12 s b\n", "a … b", true],
  ["a\nb\nc\n", "a\n…\nc", true],
  ["a\nb\n", "a", false],
  ["a\nx\n", "a\nb", false],
  ["anything\nat all\n", "…", true],
])("%j is as %j: %s", (said, written, expected) => {
  expect(isAsWritten(said, written)).toBe(expected);
});
