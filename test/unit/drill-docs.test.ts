import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";
import { parse } from "yaml";

const TEXT = readFileSync(resolve(import.meta.dirname, "../../docs/drill.md"), "utf8");

const blocks = (language: string) =>
  [...TEXT.matchAll(new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\`$`, "gm"))].map(([, code = ""]) => code);

interface Workflow {
  permissions: unknown;
  jobs: { drill: { steps: { uses?: string; run?: string; with?: Record<string, unknown> }[] } };
}

test("the workflow can be read, is given no more than it needs, and keeps secrets out of arguments", () => {
  const [workflow = ""] = blocks("yaml");
  const { permissions, jobs } = parse(workflow) as Workflow;
  const { steps } = jobs.drill;

  expect(permissions).toEqual({ contents: "read" });
  expect(steps[0]?.with).toEqual({ "fetch-depth": 0, "persist-credentials": false });
  expect(steps.map(({ run = "" }) => run).join("\n")).not.toContain("${{");
  expect(steps.some(({ run = "" }) => run.includes("infra-k3s drill --json"))).toBe(true);
});

test("the commands are those of the command line", () => {
  const [commands = ""] = blocks("sh");
  const flags = readFileSync(resolve(import.meta.dirname, "../../src/commands/drill.ts"), "utf8");

  for (const [, flag = ""] of (commands + TEXT).matchAll(/infra-k3s drill [^\n`]*--([a-z]+)/g))
    expect(flags).toMatch(new RegExp(`^\\s+${flag}[,:]`, "m"));
});

function hasSystemd(): boolean {
  try {
    execFileSync("systemd-analyze", ["--version"]);
    return true;
  } catch {
    return false;
  }
}

const verify = (...paths: string[]) =>
  execFileSync("systemd-analyze", ["verify", "--man=no", ...paths], { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] }); // prettier-ignore

test.runIf(hasSystemd())("systemd takes the units", () => {
  const folder = mkdtempSync(join(tmpdir(), "infra-k3s-units-"));
  try {
    const [service = "", timer = ""] = blocks("ini");
    // What it starts, and where, is not on every machine.
    writeFileSync(join(folder, "infra-k3s-drill.service"), service.replace("/srv/cluster\n", "/tmp\n"));
    writeFileSync(join(folder, "infra-k3s-drill.timer"), timer);
    const files = ["service", "timer"].map((kind) => join(folder, `infra-k3s-drill.${kind}`));
    expect(verify(...files)).toBe("");
    writeFileSync(files[1] ?? "", timer.replace("OnCalendar=*-*-01", "OnCalendar=*-*-41"));
    expect(() => verify(...files)).toThrow("calendar specification");
  } finally {
    rmSync(folder, { recursive: true });
  }
}); // prettier-ignore
