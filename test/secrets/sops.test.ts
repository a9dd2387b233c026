import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseRules } from "../../src/secrets/rules.ts";
import { git, plant } from "./corpus.ts";
import { findSops, Place } from "./place.ts";

const program = await findSops();
const DB = "kubernetes/apps/echo/db.sops.yaml";

const memory = () => readdirSync("/dev/shm").filter((name) => name.startsWith("infra-k3s-edit-"));

/** In order: each goes on where the one before ended. */
describe.skipIf(program === undefined)("secrets, with the real SOPS", { timeout: 300_000 }, () => {
  let place: Place;
  let recovery = "";
  beforeAll(() => {
    place = new Place(program ?? "");
  });
  afterAll(() => place.remove());

  const sops = (args: string[], identity: string) =>
    execFileSync(place.sops, args, {
      cwd: place.root,
      env: { SOPS_AGE_KEY: identity, SOPS_DISABLE_VERSION_CHECK: "1", HOME: "/nonexistent" },
      encoding: "utf8",
      stdio: "pipe",
    });

  test("set before init says what to do first", async () => {
    const { code, stderr } = await place.run(["set", DB, "password"], "x");
    expect([code, stderr]).toEqual([3, expect.stringContaining("infra-k3s secrets init")]);
  });

  test("init shows no key to what is no terminal, and then makes nothing", async () => {
    const { code, stdout } = await place.run(["init"]);
    expect([code, stdout]).toEqual([64, ""]);
    expect([place.has(".sops.yaml"), place.has(".age-key.local")]).toEqual([false, false]);
  });

  test("init needs the key's file to be ignored", async () => {
    writeFileSync(join(place.root, ".gitignore"), "");
    const { code, stderr } = await place.run(["init", "--yes"]);
    expect([code, stderr]).toEqual([1, expect.stringContaining(".age-key.local is not ignored by git")]);
    writeFileSync(join(place.root, ".gitignore"), ".age-key.local\n.envrc.local\n");
  });

  test("init makes two recipients, a key of 0600 and a hook; the recovery key is on stdout and in no file", async () => {
    recovery = (await place.must(["init", "--yes"])).trim();
    expect(recovery).toMatch(/^AGE-SECRET-KEY-1\w{58}$/);
    const rules = parseRules(place.read(".sops.yaml"));
    expect(rules.map(({ recipients }) => recipients.map(({ name }) => name))).toEqual([
      ["cluster", "recovery"],
      ["cluster", "recovery"],
    ]);
    expect(statSync(join(place.root, ".age-key.local")).mode & 0o777).toBe(0o600);
    expect(statSync(join(place.root, ".git/hooks/pre-commit")).mode & 0o100).toBe(0o100);
    expect(place.read(".sops.yaml") + place.read(".age-key.local")).not.toContain(recovery);
    const again = await place.must(["init", "--yes", "--json"]);
    expect(JSON.parse(again)).toMatchObject({ made: false });
  });

  test("set takes the value from stdin, and other values keep their ciphertext", async () => {
    await place.must(["set", DB, "password", "--namespace", "echo"], "hunter2\n");
    const first = /password: .*/.exec(place.read(DB))?.[0];
    await place.must(["set", DB, "app.conf"], "two\nlines \"and\" 'quotes' ü\n");
    expect(place.read(DB)).toContain(first);
    expect(place.read(DB)).not.toMatch(/hunter2|quotes/);
    const shown = JSON.parse(await place.must(["show", DB, "--yes", "--json"])) as object;
    expect(shown).toEqual({ password: "hunter2", "app.conf": "two\nlines \"and\" 'quotes' ü" });
    expect(await place.must(["show", DB, "password", "--yes"])).toBe("hunter2");
  });

  test("a value that is base64 in its file stays so", async () => {
    const plain = "apiVersion: v1\nkind: Secret\nmetadata: {name: old}\ndata: {a: b25l}\n";
    const file = "kubernetes/apps/echo/old.sops.yaml";
    writeFileSync(join(place.root, file), plain);
    sops(["--config", ".sops.yaml", "encrypt", "--in-place", file], recovery);
    await place.must(["set", file, "a"], "two");
    expect(await place.must(["show", file, "a", "--yes"])).toBe("two");
    expect(sops(["decrypt", file], recovery)).toContain("dHdv");
  });

  test.concurrent.each([
    [["set", "kubernetes/plain.yaml", "a"], "x", 64, "no rule"],
    [["set", "../outside.sops.yaml", "a"], "x", 64, "is not in"],
    [["set", DB, "a"], "\n", 64, "the value is empty"],
    [["set", DB], "x", 64, "KEY"],
    [["set", DB, "key", "value"], "x", 64, "value"],
    [["show", DB], "", 64, "--yes"],
    [["show", DB, "nothing", "--yes"], "", 64, "password"],
    [["edit", "kubernetes/none.sops.yaml"], "", 1, "there is no"],
    [["rotate", "--remove", "nobody"], "", 64, "cluster, recovery"],
    [["rotate", "--remove", "recovery"], "", 64, "less than two"],
    [["rotate", "--renew", "bob"], "", 64, "--add bob=age1"],
    [["rotate", "--add", "bob=AGE"], "", 64, "NAME=age1"],
  ])("%j is refused", async (args, stdin, exit, said) => {
    const before = place.read(DB) + place.read(".sops.yaml");
    const { code, stderr } = await place.run(args, stdin);
    expect([code, stderr]).toEqual([exit, expect.stringContaining(said)]);
    expect(place.read(DB) + place.read(".sops.yaml")).toBe(before);
  });

  test("the recovery key alone opens it, with stock SOPS; without any key the error says what to restore", async () => {
    expect(sops(["decrypt", DB], recovery)).toContain("hunter2");
    const kept = place.read(".age-key.local");
    writeFileSync(join(place.root, ".age-key.local"), "");
    const { code, stderr } = await place.run(["show", DB, "--yes"]);
    expect([code, stderr]).toEqual([1, expect.stringContaining("SOPS_AGE_KEY=…")]);
    expect(await place.must(["show", DB, "password", "--yes"], "", { SOPS_AGE_KEY: recovery })).toBe(
      "hunter2",
    );
    writeFileSync(join(place.root, ".age-key.local"), kept);
  });

  test("a file that was changed by hand is refused", async () => {
    const text = place.read(DB);
    writeFileSync(join(place.root, DB), text.replace("namespace: echo", "namespace: evil"));
    // Outside of the encrypted part SOPS sees it, too.
    const { code, stderr } = await place.run(["show", DB, "--yes"]);
    expect([code, stderr]).toEqual([1, expect.stringContaining("was changed without SOPS")]);
    writeFileSync(join(place.root, DB), text);
  });

  const editor = (script: string): string => {
    const path = join(place.root, ".git/editor");
    writeFileSync(path, `#!/bin/sh\n${script}\n`);
    chmodSync(path, 0o755);
    return path;
  };

  test("edit: plain text of 0600 in memory only; what the editor did is encrypted, and gone afterwards", async () => {
    const note = join(place.root, ".git/note");
    const EDITOR = editor(
      `stat -f -c %T "$1" >${note}; stat -c %a "$1" >>${note}; sed -i s/hunter2/hunter3/ "$1"`,
    );
    const before = memory();
    await place.must(["edit", DB], "", { EDITOR, XDG_RUNTIME_DIR: "" });
    expect(readFileSync(note, "utf8")).toBe("tmpfs\n600\n");
    expect(await place.must(["show", DB, "password", "--yes"])).toBe("hunter3");
    expect(memory()).toEqual(before);
    const text = place.read(DB);
    await place.must(["edit", DB], "", { EDITOR: "true", XDG_RUNTIME_DIR: "" });
    expect(place.read(DB)).toBe(text);
  });

  test("edit: what somebody else changed meanwhile is not written over", async () => {
    const file = join(place.root, DB);
    const text = place.read(DB);
    const EDITOR = editor(`sed -i s/hunter3/hunter9/ "$1"; echo "# theirs" >>${file}`);
    const { code, stderr } = await place.run(["edit", DB], "", { EDITOR, XDG_RUNTIME_DIR: "" });
    expect([code, stderr]).toEqual([1, expect.stringContaining("changed by somebody else")]);
    expect(place.read(DB)).toBe(`${text}# theirs\n`);
    writeFileSync(file, text);
  });

  test.each(["SIGTERM", "SIGKILL"] as const)(
    "edit: ended by %s, it leaves nothing in memory",
    async (signal) => {
      const opened = join(place.root, ".git/opened");
      const EDITOR = editor(
        `echo "$1" >${opened}.part; mv ${opened}.part ${opened}; while [ -e "$1" ]; do sleep 0.1; done`,
      );
      const text = place.read(DB);
      const child = place.start(["edit", DB], { EDITOR, XDG_RUNTIME_DIR: "" });
      const ended = new Promise((done) => child.on("exit", done));
      while (!existsSync(opened)) await sleep(50);
      const plain = readFileSync(opened, "utf8").trim();
      expect(readFileSync(plain, "utf8")).toContain("hunter3");
      child.kill(signal);
      await ended;
      while (existsSync(plain)) await sleep(50);
      expect(place.read(DB)).toBe(text);
      rmSync(opened);
    },
  );

  test("status: each value with its store, scope and age, and no value", async () => {
    place.commit("one");
    await place.must(["set", DB, "fresh"], "uncommitted");
    writeFileSync(join(place.root, ".envrc.local"), "export TF_VAR_hcloud_token='abc'\n", { mode: 0o600 });
    const out = await place.must(["status", "--json"]);
    const { secrets } = JSON.parse(out) as {
      secrets: { name: string; store: string; scope: string; state: string; ageSeconds: number | null }[];
    };
    const of = (name: string) => secrets.find((secret) => secret.name === name);
    expect(of("password")).toMatchObject({
      store: "SOPS",
      scope: "namespace echo",
      state: "set",
      ageSeconds: expect.any(Number) as number,
    });
    expect(of("fresh")).toMatchObject({ state: "uncommitted", ageSeconds: null });
    expect(of("TF_VAR_hcloud_token")).toMatchObject({ store: "TF_VAR", state: "set" });
    expect(of("cluster's age key")).toMatchObject({ state: "set" });
    expect(out).not.toMatch(/hunter|AGE-SECRET/);
  });

  test("the hook sees what `git commit -a` would bring, and a clean commit passes", async () => {
    const hook = place.read(".git/hooks/pre-commit");
    expect(hook).toContain("secrets check --staged");
    const launcher = join(place.root, ".git/infra-k3s");
    const cli = join(import.meta.dirname, "../../src/cli.ts");
    writeFileSync(launcher, `#!/bin/sh\nexec '${process.execPath}' '${cli}' "$@"\n`, { mode: 0o755 });
    writeFileSync(
      join(place.root, ".git/hooks/pre-commit"),
      hook.replace(/program='.*'/, `program='${launcher}'`),
    );
    git(place.root, "add", "--all");
    git(place.root, "commit", "--quiet", "--message=clean");
    writeFileSync(
      join(place.root, "cluster.yaml"),
      plant(`${place.read("cluster.yaml")}# tskey-auth-k3x9‹›QwErTz-aB3dE5fG7hI9jK1lM3nO5\n`),
    );
    expect(() => git(place.root, "commit", "--all", "--quiet", "--message=leak")).toThrow(
      /a Tailscale key in plain text/,
    );
    expect(git(place.root, "log", "-1", "--format=%s").trim()).toBe("clean");
  });
});
