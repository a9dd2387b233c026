import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { stages } from "../stages/index.ts";
import { STAGES } from "./proposals.ts";

// Each starts processes, on a machine that may be busy.
vi.setConfig({ testTimeout: 60_000 });

/** The real CLI as `infra-k3s` on the PATH, and a cluster whose file has a fault: names are wanted while one writes. */
let folder: string;
const cli = join(import.meta.dirname, "../cli.ts");
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "completion-"));
  writeFileSync(join(folder, "cluster.yaml"), "nodes:\n  - { name: fsn-1 }\n  - { name: fra-1, rolle: x }\n");
  const launcher = `#!/bin/sh\nexec '${process.execPath}' --disable-warning=ExperimentalWarning '${cli}' "$@"\n`;
  writeFileSync(join(folder, "infra-k3s"), launcher);
  chmodSync(join(folder, "infra-k3s"), 0o755);
});
afterAll(() => rmSync(folder, { recursive: true }));

const env = () => ({ PATH: `${folder}:${process.env["PATH"]}`, HOME: folder, INFRA_K3S_CLUSTER: "" });
const run = (program: string, args: readonly string[]) => {
  const { INFRA_K3S_CLUSTER: _, ...clean } = env();
  return execFileSync(program, args, { cwd: folder, env: clean, encoding: "utf8" });
};
const proposed = (...words: string[]) =>
  run("infra-k3s", ["__complete", ...words])
    .split("\n")
    .filter(Boolean)
    .map((line) => line.split("\t")[0]);

test.each([
  [["no"], ["node"]],
  [
    ["node", ""],
    ["add", "join-command", "remove"],
  ],
  [
    ["node", "remove", ""],
    ["fsn-1", "fra-1"],
  ],
  [["node", "remove", "fr"], ["fra-1"]],
  [["ssh", "fs"], ["fsn-1"]],
  [["up", "--until", "m"], ["mesh"]],
  [["up", "--limit", "fs"], ["fsn-1"]],
  [
    ["node", "add", "x", "--provider", ""],
    ["hetzner", "vultr", "aws", "existing"],
  ],
  [
    ["completion", ""],
    ["bash", "zsh", "fish"],
  ],
  [["sandbox", "d"], ["down"]],
  [["up", "--verb"], ["--verbose"]],
])("%j", (words, expected) => {
  expect(proposed(...words)).toEqual(expected);
});

test("the nodes are those of the cluster that --cluster names; without a cluster there are none", () => {
  expect(proposed("node", "remove", "--cluster", "/nowhere", "f")).toEqual([]);
  expect(proposed("node", "remove", "--cluster", folder, "fs")).toEqual(["fsn-1"]);
});

test("the stages are those of `up`", () => {
  expect(STAGES).toEqual(stages.map(({ name }) => name));
});

test("another shell is told which there are", () => {
  const said = spawnSync(join(folder, "infra-k3s"), ["completion", "csh"], { encoding: "utf8" });
  expect([said.status, said.stderr]).toEqual([
    64,
    'there is no completion for "csh"\n  fix: shells: bash, zsh, fish\n',
  ]);
});

/** Each shell reads the script as a user's does, and shows what it would propose. */
const SHELLS = {
  bash: `eval "$(infra-k3s completion bash)"; COMP_WORDS=(infra-k3s node remove fr); COMP_CWORD=3; _infra_k3s infra-k3s; echo "\${COMPREPLY[@]}"; complete -p infra-k3s`,
  zsh: `compdef() { :; }; _describe() { print -l -- "\${(@P)2}"; }; eval "$(infra-k3s completion zsh)"; words=(infra-k3s node remove fr); CURRENT=4; _infra_k3s`,
  fish: `infra-k3s completion fish | source; complete -C "infra-k3s node remove fr"`,
};
const has = (shell: string) => spawnSync(shell, ["-c", "true"]).status === 0;

describe.each(Object.entries(SHELLS))("%s", (shell, script) => {
  test.skipIf(!has(shell))("completes a node's name by the script", () => {
    expect(run(shell, ["-c", script])).toMatch(/^fra-1\b/);
  });
});
