import { execFile } from "node:child_process";
import {
  appendFileSync,
  chmodSync,
  cpSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { PRODUCT_ROOT } from "../repository/shipped.ts";

/** `render` as a person, and as the cluster repository's own workflow, runs it. */
let root = "";
const files = ["examples/existing-hosts/cluster.yaml", "test/golden/existing-hosts/servers.json", "test/golden/existing-hosts/versions.lock.json"]; // prettier-ignore
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "infra k3s räu-"));
  for (const file of files) cpSync(join(PRODUCT_ROOT, file), join(root, file.split("/").at(-1) ?? ""));
});
afterEach(() => rmSync(root, { recursive: true }));

async function run(program: string, args: readonly string[], cwd = root, env: NodeJS.ProcessEnv = {}) {
  try {
    const { stdout, stderr } = await promisify(execFile)(program, args, {
      cwd,
      env: { ...process.env, ...env },
    });
    return { code: 0, stdout, stderr };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { code, stdout, stderr };
  }
}
const node = join(PRODUCT_ROOT, "node_modules/.bin/node");
const cli = (args: readonly string[], cwd = root, env: NodeJS.ProcessEnv = {}) =>
  run(node, ["--disable-warning=ExperimentalWarning", join(PRODUCT_ROOT, "src/cli.ts"), ...args], cwd, env);
const render = (...args: string[]) => cli(["render", ...args]);
const GROUP_VARS = "ansible/inventory/group_vars/all/main.yml";
const slow = { timeout: 120_000 };

test("written once, looked at after that; --check and --diff change nothing", slow, async () => {
  const first = await render("--check");
  expect([first.code, first.stdout]).toEqual([
    1,
    expect.stringMatching(/^\.envrc\n[\s\S]*\n\d+ files, \d+ to change\n$/),
  ]);
  expect(await render()).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^(\d+) files, \1 changed\n$/) as string,
  });
  expect((await render()).stdout).toMatch(/ files, 0 changed\n$/);
  for (const args of [["--check"], ["--diff"], ["--check", "--diff"]])
    expect((await render(...args)).code).toBe(0);
  chmodSync(join(root, "scripts/join-host"), 0o644);
  rmSync(join(root, "ansible.cfg"));

  const { code, stdout } = await render("--check", "--diff", "--json");
  const { diff, ...json } = JSON.parse(stdout) as { diff: string };
  expect(code).toBe(1);
  expect(json).toEqual({ written: ["ansible.cfg", "scripts/join-host"], removed: [], kept: [], edited: [] });
  expect(diff).toContain(
    "diff --git a/scripts/join-host b/scripts/join-host\nold mode 100644\nnew mode 100755\n",
  );
  expect(diff).toContain("new file mode 100644\n--- /dev/null\n+++ b/ansible.cfg\n");
  expect((await render("--diff")).code).toBe(0);
  expect(statSync(join(root, "scripts/join-host")).mode & 0o777).toBe(0o644);
});

test("an edit is told each time it is in the way, kept, and taken back", slow, async () => {
  await render();
  appendFileSync(join(root, GROUP_VARS), "mine: true\n");

  const refused = await render();
  expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining("-mine: true")]);
  expect(JSON.parse((await render("--check", "--json")).stdout)).toMatchObject({ edited: [GROUP_VARS] });
  // As the message shows it, though the current folder is another.
  const kept = await cli(["render", "--keep", GROUP_VARS], join(root, "ansible"));
  expect([kept.code, kept.stderr]).toEqual([
    0,
    `yours, not touched: ${GROUP_VARS} (other than it would be rendered)\n`,
  ]);
  const checked = await render("--check");
  expect([checked.code, checked.stderr]).toEqual([0, kept.stderr]);
  expect(readFileSync(join(root, GROUP_VARS), "utf8")).toMatch(/mine: true\n$/);
  const taken = await cli(["render", "--take", "main.yml"], join(root, "ansible/inventory/group_vars/all"));
  expect([taken.code, taken.stdout]).toEqual([0, expect.stringMatching(/, 1 changed\n$/)]);
  expect(readFileSync(join(root, GROUP_VARS), "utf8")).not.toContain("mine");
  expect((await render("--keep", "cluster.yaml")).code).toBe(64);
});

describe("the same bytes", () => {
  test("whatever the machine's language, time zone and mask are", slow, async () => {
    await render();
    const twin = mkdtempSync(join(tmpdir(), "infra-k3s-twin-"));
    for (const file of files)
      cpSync(join(root, file.split("/").at(-1) ?? ""), join(twin, file.split("/").at(-1) ?? ""));
    const env = {
      LANG: "tr_TR.UTF-8",
      LC_ALL: "tr_TR.UTF-8",
      TZ: "Pacific/Kiritimati",
      CI: "1",
      NO_COLOR: "1",
    };
    const inner = `umask 077 && exec "$@"`;
    const argv = [node, "--disable-warning=ExperimentalWarning", join(PRODUCT_ROOT, "src/cli.ts"), "render"];
    expect((await run("sh", ["-c", inner, "sh", ...argv], twin, env)).code).toBe(0);

    expect(await run("diff", ["-r", root, twin])).toEqual({ code: 0, stdout: "", stderr: "" });
    expect(statSync(join(twin, GROUP_VARS)).mode & 0o777).toBe(0o644);
    rmSync(twin, { recursive: true });
  });

  test("in a clone where git turns line ends, and its workflow finds nothing to say", slow, async () => {
    await render();
    const me = ["-c", "user.name=a", "-c", "user.email=a@example.com"];
    const turning = ["-c", "core.autocrlf=true", "-c", "core.eol=crlf"];
    for (const args of [
      ["init", "--quiet"],
      ["add", "."],
      [...me, "commit", "--quiet", "-m", "all"],
    ])
      expect(await run("git", [...turning, ...args])).toMatchObject({ code: 0 });
    const clone = mkdtempSync(join(tmpdir(), "infra-k3s-clone-"));
    expect(await run("git", [...turning, "clone", "--quiet", root, clone])).toMatchObject({ code: 0 });

    const bin = mkdtempSync(join(tmpdir(), "infra-k3s-bin-"));
    const program = `#!/bin/sh\nexec "${node}" --disable-warning=ExperimentalWarning "${join(PRODUCT_ROOT, "src/cli.ts")}" "$@"\n`;
    writeFileSync(join(bin, "infra-k3s"), program, { mode: 0o755 });
    const workflow = parse(readFileSync(join(clone, ".github/workflows/infra-k3s.yml"), "utf8")) as {
      jobs: { check: { steps: { name?: string; run?: string }[] } };
    };
    const steps = workflow.jobs.check.steps.filter(
      ({ run: script }) => script?.startsWith("infra-k3s ") === true,
    );
    const bare = { PATH: `${bin}:/usr/bin:/bin`, HOME: bin };
    const verdicts = [];
    for (const { run: script = "" } of steps)
      verdicts.push((await run("bash", ["-e", "-c", script], clone, bare)).code);
    expect(verdicts).toEqual([0, 0, 0]);

    appendFileSync(join(clone, "cluster.yaml"), "report:\n  everyMinutes: 7\n");
    writeFileSync(join(clone, "notes.txt"), "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gtZW\n"); // prettier-ignore
    const after = [];
    for (const { run: script = "" } of steps)
      after.push((await run("bash", ["-e", "-c", script], clone, bare)).code);
    expect(after).toEqual([0, 1, 1]);
    for (const folder of [clone, bin]) rmSync(folder, { recursive: true });
  });
});
