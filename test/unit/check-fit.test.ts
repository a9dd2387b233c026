import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";

// Each starts processes, on a machine that may be busy.
vi.setConfig({ testTimeout: 60_000 });

const SCRIPT = join(import.meta.dirname, "../../ansible/roles/base/files/check-fit");

/** A host's files; `ss`, `df` and `date` say what the test wants. */
let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "fit-"));
  for (const folder of ["etc", "proc", "var/lib", "usr/local/bin", "programs"])
    mkdirSync(join(root, folder), { recursive: true });
  write("etc/os-release", 'ID=debian\nVERSION_ID="12"\nPRETTY_NAME="Debian GNU/Linux 12"\n');
  write("proc/meminfo", "MemTotal:        3900000 kB\nMemFree: 1 kB\n");
  program("date", "echo 1000000");
  program("ss", "true");
  free(20_000);
});
afterEach(() => rmSync(root, { recursive: true }));

const write = (path: string, text: string) => writeFileSync(join(root, path), text);
const program = (name: string, script: string) => {
  write(`programs/${name}`, `#!/bin/sh\n${script}\n`);
  chmodSync(join(root, "programs", name), 0o755);
};
const free = (mib: number) =>
  program(
    "df",
    `echo "Filesystem 1024-blocks Used Available Capacity Mounted"; echo "/dev/x 1 1 ${mib * 1024} 1% /"`,
  );
const look = (kind: "server" | "agent" = "server", operator = 1_000_000) =>
  spawnSync("sh", [SCRIPT, kind, String(operator), root], {
    env: { PATH: `${join(root, "programs")}:/usr/bin:/bin` },
    encoding: "utf8",
  }).stdout;

test("a host that can be a node is told nothing", () => {
  expect([look(), look("agent")]).toEqual(["", ""]);
});

test.each([
  ["another system", () => write("etc/os-release", 'ID=fedora\nPRETTY_NAME="Fedora 43"\n'), /^it runs Fedora 43, not Debian\n  why: .*\n  fix: reinstall it/],
  ["an old Debian", () => write("etc/os-release", 'ID=debian\nVERSION_ID="11"\nPRETTY_NAME="Debian 11"\n'), /^it runs Debian 11\n  why: .*\n  fix: upgrade it/],
  ["too little memory", () => write("proc/meminfo", "MemTotal: 1000000 kB\n"), /^it has 976 MiB of memory\n  why: as server K3s needs 1600 MiB\n  fix: take a larger size/],
  ["a clock an hour ahead", () => program("date", "echo 1003600"), /^its clock is 3600 s away from yours\n  why: .*\n  fix: .*timedatectl/],
  ["a clock an hour behind", () => program("date", "echo 996400"), /^its clock is -3600 s away/],
  ["a disk nearly full", () => free(1500), /^only 1500 MiB are free below \/var\/lib\n  why: at least 2000 MiB/],
  ["a port in use", () => program("ss", `[ "$3" != "sport = :6443" ] && [ "$2" != "sport = :6443" ] || echo 'LISTEN 0 4096 *:6443 *:* users:(("nginx",pid=7,fd=6))'`), /^port 6443 is in use\n  why: by users:\(\("nginx",pid=7,fd=6\)\); K3s listens there\n  fix: end that program/],
] as const)("%s: what, why and what to do", (_, break_, said) => {
  break_();
  expect(look()).toMatch(said);
  expect(look().trim().split("\n")).toHaveLength(3);
}); // prettier-ignore

test("what K3s itself takes is no fault, and a worker needs less", () => {
  write("proc/meminfo", "MemTotal: 1000000 kB\n");
  program("ss", "echo 'LISTEN 0 4096 *:10250 *:*'");
  free(300);
  write("usr/local/bin/k3s", "");
  expect(look("agent")).toBe("");
});

test("several faults are told at once", () => {
  write("proc/meminfo", "MemTotal: 100000 kB\n");
  free(10);
  expect(look("agent").match(/^\S/gm)).toHaveLength(2);
});
