import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { run } from "../../src/tools/process/process.ts";

const FILES = join(import.meta.dirname, "../../ansible/roles/k3s_server/files");

/** The scripts that run on a master as it is restored, with a `k3s` of this test's. */
describe("on the master that is restored", { timeout: 60_000 }, () => {
  let folder = "";
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "infra-k3s-master-"));
    for (const path of ["bin", "server/db", "etc"]) mkdirSync(join(folder, path), { recursive: true });
    write("bin/systemctl", "exit 0");
    writeFileSync(join(folder, "etc/resolv.conf"), "nameserver 192.0.2.1\n");
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const write = (name: string, script: string) => {
    writeFileSync(join(folder, name), `#!/bin/sh\n${script}\n`);
    chmodSync(join(folder, name), 0o755);
  };
  /** As the role runs it, with the host's places below the test's folder. */
  const runScript = (file: string, ...args: string[]) => {
    const text = readFileSync(join(FILES, file), "utf8")
      .replaceAll("/usr/local/bin/k3s", join(folder, "bin/k3s"))
      .replaceAll("/var/lib/rancher/k3s/server", join(folder, "server"))
      .replaceAll(/(?<=\s)\/etc\/rancher\/k3s(?=\/resolv)/g, join(folder, "etc"));
    const env = { PATH: `${join(folder, "bin")}:${process.env["PATH"] ?? ""}` };
    return run({ argv: ["sh", "-s", ...args], stdin: text, env, timeout: 30_000 });
  };
  const mark = () => join(folder, "server/infra-k3s-restored");

  test("a snapshot with another token is told as such, with K3s's own words, and nothing is taken for restored", async () => {
    write("bin/k3s", `echo 'level=fatal msg="starting kubernetes: preparing server: bootstrap data already found and encrypted with different token"'; exit 1`); // prettier-ignore
    const { exitCode, stderr } = await runScript("restore-snapshot", "one.zip", "apply");

    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/one\.zip was taken with another server token/);
    expect(stderr).toMatch(/its last words:\n.*encrypted with different token/);
    expect(existsSync(mark())).toBe(false);
  });

  test("a restore is done once: the mark of a snapshot that is in place is believed, that of another is not", async () => {
    write("bin/k3s", `echo x >>'${join(folder, "ran")}'; echo 'Managed etcd cluster membership has been reset, restart without --cluster-reset flag now'`); // prettier-ignore
    writeFileSync(join(folder, "server/db/reset-flag"), "");
    const first = await runScript("restore-snapshot", "one.zip", "apply");
    const again = await runScript("restore-snapshot", "one.zip", "apply");
    const other = await runScript("restore-snapshot", "two.zip", "apply");

    expect([first.stdout, again.stdout, other.stdout]).toEqual([expect.stringContaining("one.zip"), "", expect.stringContaining("two.zip")]); // prettier-ignore
    expect(readFileSync(mark(), "utf8")).toBe("two.zip\n");
    expect(readFileSync(join(folder, "ran"), "utf8")).toBe("x\nx\n");
    expect(existsSync(join(folder, "server/db/reset-flag"))).toBe(false);
  });

  test("Argo CD's controllers are held with a note of how many there were; one that is at 0, or not there, is let be", async () => {
    const asked = join(folder, "asked");
    write(
      "bin/k3s",
      `echo "$@" >>'${asked}'
case "$*" in
  *"get statefulset/argocd-application-controller"*) printf 1 ;;
  *"get deployment/argocd-applicationset-controller"*) printf "$SECOND" ;;
esac`,
    );
    const { stdout, stderr } = await runScript("hold-argocd");
    const patches = readFileSync(asked, "utf8")
      .split("\n")
      .filter((line) => line.includes(" patch "));

    expect([stdout.trim(), stderr]).toEqual(["statefulset/argocd-application-controller held, of 1", ""]);
    expect(patches).toHaveLength(1);
    expect(patches[0]).toContain(
      `{"metadata":{"annotations":{"infra-k3s/replicas-before-restore":"1"}},"spec":{"replicas":0}}`,
    );
    // The one who lets it go on reads the same note.
    expect(readFileSync(join(FILES, "../../../../src/tools/velero/argocd.py"), "utf8")).toContain('NOTE = "infra-k3s/replicas-before-restore"'); // prettier-ignore
  });
});
