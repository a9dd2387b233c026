import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";

vi.setConfig({ testTimeout: 60_000 });

/** The real CLI, in the circumstances that people run it in. */
const ROOT = join(import.meta.dirname, "../..");
const EXAMPLE = join(ROOT, "examples/three-clouds/cluster.yaml");
const ESCAPE = "\x1b";

let folder: string;
/** A repository whose path has spaces, quotes and letters of other scripts. */
let odd: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "front-door-"));
  odd = join(folder, "Mein Clüster, it's 集群");
  mkdirSync(odd);
  copyFileSync(EXAMPLE, join(odd, "cluster.yaml"));
});
afterAll(() => rmSync(folder, { recursive: true }));

const argv = (args: readonly string[]) => [
  "--disable-warning=ExperimentalWarning",
  join(ROOT, "src/cli.ts"),
  ...args,
];
const infra = (args: readonly string[], env: Record<string, string> = {}) =>
  spawnSync(process.execPath, argv(args), {
    cwd: folder,
    encoding: "utf8",
    env: { PATH: process.env["PATH"] ?? "", HOME: folder, ...env },
  });

test.each([{}, { NO_COLOR: "1" }, { CI: "true" }, { TERM: "dumb" }, { FORCE_COLOR: "1" }])(
  "without a terminal nothing is coloured: %j",
  (env) => {
    for (const args of [
      ["--help"],
      ["up", "--help"],
      ["validate", EXAMPLE],
      ["nonsense"],
      ["up", "--nonsense"],
    ]) {
      const { stdout, stderr } = infra(args, env);
      expect(stdout + stderr).not.toContain(ESCAPE);
    }
  },
);

/** On a terminal of its own; where it asks, `keys` are typed. */
async function onTerminal(
  args: readonly string[],
  columns: number,
  env: Record<string, string>,
  keys = "",
): Promise<string> {
  const quoted = [process.execPath, ...argv(args)]
    .map((word) => `'${word.replaceAll("'", `'\\''`)}'`)
    .join(" ");
  const child = spawn("script", ["-qec", `stty cols ${columns}; ${quoted}`, "/dev/null"], {
    cwd: folder,
    env: { PATH: process.env["PATH"] ?? "", HOME: folder, TERM: "xterm-256color", ...env },
  });
  let said = "";
  const ended = once(child, "close") as Promise<[number]>;
  child.stdout.on("data", (chunk: Buffer) => {
    said += chunk.toString();
    if (keys !== "" && said.includes("to go on: ")) {
      child.stdin.write(keys);
      keys = "";
    }
  });
  const [code] = await ended;
  return `${said.replaceAll("\r\n", "\n")}${code === 0 ? "" : `exit ${code}\n`}`;
}

test("Ctrl-C at a question ends with 130, says how to go on, and has done nothing", async () => {
  const said = await onTerminal(["destroy", "--cluster", odd], 200, {}, "three-cl\x03");

  expect(said).toContain("Type the cluster's name to go on: ");
  expect(said).toMatch(
    /interrupted by SIGINT\S*\nto go on, run the same again: infra-k3s destroy --cluster '.*Clüster/,
  );
  expect(said).toMatch(/exit 130\n$/);
  expect(readdirSync(odd)).toEqual(["cluster.yaml"]);
});

test("on a narrow terminal it is the same text, each line whole; NO_COLOR is heard", async () => {
  const broken = join(folder, "broken.yaml");
  writeFileSync(broken, "cluster:\n  name: Prod!\n");
  const piped = infra(["validate", broken]);
  const narrow = await onTerminal(["validate", broken], 20, { NO_COLOR: "1" });

  expect(piped.status).toBe(3);
  expect(narrow).toBe(`${piped.stdout}${piped.stderr}exit 3\n`);
  expect(await onTerminal(["--help"], 20, { NO_COLOR: "1" })).not.toContain(ESCAPE);
});

test("a path with spaces, quotes and letters of other scripts is a path", () => {
  const { status, stdout, stderr } = infra(["validate", "--cluster", odd]);
  expect([status, stderr]).toEqual([0, ""]);
  expect(stdout).toContain(join(odd, "cluster.yaml"));
});

test("without a terminal nothing is asked: destroy says what it would do, and does nothing", () => {
  const { status, stdout, stderr } = infra(["destroy", "--cluster", odd]);
  expect([status, stdout]).toEqual([64, ""]);
  expect(stderr).toMatch(/why: there is no terminal to ask on\n  fix: add --yes to do it/);
  expect(readdirSync(odd)).toEqual(["cluster.yaml"]);
});

test("a git that is missing is named", () => {
  const { status, stderr } = infra(["secrets", "init", "--yes", "--cluster", odd], { PATH: "/nonexistent" });
  expect(status).toBe(4);
  expect(stderr).toBe("git is not installed\n  fix: install git and run this again\n");
});

test.runIf(process.getuid?.() !== 0)(
  "a repository that may not be written is told, and nothing is left in it",
  () => {
    chmodSync(odd, 0o555);
    const { status, stderr } = infra(["destroy", "--yes", "--cluster", odd]);
    chmodSync(odd, 0o755);
    expect(status).toBe(1);
    expect(stderr).toMatch(/\.infra-k3s: mkdir was refused\n  why: this user may not do that there\n  fix: /);
    expect(existsSync(join(odd, ".infra-k3s"))).toBe(false);
  },
);
