import { execFileSync } from "node:child_process";
import { cpSync, existsSync, globSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readKit, writeKit } from "../../src/recovery-kit/kit.ts";
import { VAULT } from "../../src/tools/ansible/vault.ts";
import { encryptTo, openAgeFile } from "../../src/tools/sops/age-file.ts";
import { newAgeKey, recipientOf } from "../../src/tools/sops/age.ts";
import { git } from "../secrets/corpus.ts";
import { findSops } from "../secrets/place.ts";
import { findAnsible, KitPlace, PLANTED, PLANTED_PASSWORD } from "./kit-place.ts";

const sops = await findSops();
const ansible = sops === undefined ? undefined : await findAnsible();

interface Verified {
  ok: boolean;
  repository: string | null;
  checks: { name: string; ok: boolean; reason: string }[];
  stale: { entry: string; reason: string }[];
}

/** In order: each goes on where the one before ended. */
describe.skipIf(ansible === undefined)(
  "recovery-kit, with real age, SOPS and Ansible",
  { timeout: 300_000 },
  () => {
    let place: KitPlace;
    let file = "";
    let recovery = "";
    beforeAll(() => {
      if (sops === undefined || ansible === undefined) return;
      place = new KitPlace(sops, ansible, "prod");
      file = join(place.root, "prod.recovery-kit.age");
    });
    afterAll(() => place.remove());

    const exportKit = (...args: string[]) => place.cli(["recovery-kit", "export", ...args]);
    const verify = (path = file, key = recovery, ...args: string[]) =>
      place.cli(["recovery-kit", "verify", path, ...args], `${key}\n`);
    const verified = async (...args: string[]) => {
      const { code, stdout } = await verify(file, recovery, "--json", ...args);
      return { code, ...(JSON.parse(stdout) as Verified) };
    };
    const vaultCheck = async () => (await verified()).checks.find(({ name }) => name === "vault");
    const exportTo = async (output: string) => {
      const { code, stderr } = await exportKit("--output", output);
      return [code, stderr];
    };
    const opened = async () => {
      const recipient = (await recipientOf(recovery)) ?? "";
      return readKit(
        await openAgeFile(file, readFileSync(file, "utf8"), [{ identity: recovery, recipient }]),
      );
    };
    /** Restores a file of the repository after `change`. */
    const during = async (path: string, change: (text: string) => string, body: () => Promise<void>) => {
      const text = place.read(path);
      place.write(path, change(text), 0o600);
      await body();
      place.write(path, text, 0o600);
    };

    test("export names everything that is missing at once, with its place and what to do, and writes nothing", async () => {
      const { code, stdout, stderr } = await exportKit();
      expect([code, stdout]).toEqual([1, ""]);
      for (const missing of [
        "there is no .sops.yaml",
        "the cluster's age key is not in .age-key.local",
        "there is no ANSIBLE_VAULT_PASSWORD in .envrc.local",
        "there is no TF_VAR_state_passphrase in .envrc.local",
        "there is no TF_VAR_state_access_key_id in .envrc.local",
        "there is no TF_VAR_state_secret_access_key in .envrc.local",
        "nothing is committed",
      ]) {
        expect(stderr).toContain(missing);
      }
      expect(existsSync(file)).toBe(false);
    });

    test("export writes one file of 0600 for the recovery key alone, and tells names, path and sha256", async () => {
    recovery = await place.complete();
    const { code, stdout, stderr } = await exportKit();
    expect([code, stderr]).toEqual([0, expect.not.stringContaining("note:")]);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const [sum = ""] = execFileSync("sha256sum", [file], { encoding: "utf8" }).split(" ");
    for (const told of [file, sum, (await recipientOf(recovery)) ?? "", "ANSIBLE_VAULT_PASSWORD", "k3s-tokens.json"]) {
      expect(stdout).toContain(told);
    }
    expect(git(place.root, "status", "--porcelain")).toBe("");

    const { manifest, entries } = await opened();
    expect(Object.fromEntries(entries)).toEqual({
      ...PLANTED,
      "velero-repository-password": PLANTED_PASSWORD,
      "cluster.yaml": place.read("cluster.yaml"),
      "versions.lock.json": place.read("versions.lock.json"),
      "age-keys.txt": expect.stringContaining(/^AGE-SECRET-KEY-1\w+$/m.exec(place.read(".age-key.local"))?.[0] ?? "?") as string,
      "k3s-tokens.json": JSON.stringify({ tokens: [await place.token()] }, null, 2) + "\n",
      "state.json": expect.stringMatching(/"https:\/\/0123456789abcdef0123456789abcdef\.r2\.cloudflarestorage\.com"[^]*"prod-/) as string,
    });
    expect(manifest).toMatchObject({
      cluster: { name: "prod", id: git(place.root, "rev-list", "--max-parents=0", "HEAD").trim() },
      k3s: "v1.36.3+k3s1",
      git: { repository: "ssh://git@github.com/you/cluster.git", branch: "main", commit: git(place.root, "rev-parse", "HEAD").trim() },
    });
  }); // prettier-ignore

    test("no secret is in what either says, nor in any file it leaves", async () => {
    const runs = [await exportKit("--json"), await verify(), await verify(file, recovery, "--json")];
    expect(runs.map(({ code, stderr }) => [code, stderr])).toEqual([[0, expect.anything()], [0, ""], [0, ""]]);
    const said = runs.map(({ stdout, stderr }) => stdout + stderr).join("");
    const secrets = [...Object.values(PLANTED), PLANTED_PASSWORD, await place.token(), recovery, "AGE-SECRET-KEY"];
    for (const secret of secrets) expect(said).not.toContain(secret);
    const token = await place.token();
    const files = globSync("**/{*,.*}", { cwd: place.base, withFileTypes: true, exclude: ["cache/**"] })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name));
    expect(files).toContain(join(place.root, ".envrc.local"));
    const having = (secret: string) => files.filter((path) => readFileSync(path).includes(secret));
    expect([having(token), having(recovery)]).toEqual([[], []]);
    expect(having(PLANTED.TF_VAR_state_passphrase)).toEqual([join(place.root, ".envrc.local")]);
  }); // prettier-ignore

    test("verify tries the keys on the repository; the recovery key comes by stdin or from a file", async () => {
      const { code, ok, repository, checks, stale } = await verified();
      expect([code, ok, repository, stale]).toEqual([0, true, place.root, []]);
      expect(checks.map((check) => [check.name, check.ok])).toEqual(
        ["contents", "cluster", "recovery key", "age key", "vault"].map((name) => [name, true]),
      );
      const identity = join(place.base, "recovery.txt");
      writeFileSync(identity, `# kept on paper\n${recovery}\n`, { mode: 0o600 });
      const { code: exit, stdout } = await place.cli([
        "recovery-kit",
        "verify",
        file,
        "--identity",
        identity,
      ]);
      expect([exit, stdout]).toEqual([0, expect.stringMatching(/age key +ok +opens all 2 encrypted files/)]);
      rmSync(identity);
    });

    test("a fresh clone with an empty home has no secret yet, and is no reason to call the kit stale", async () => {
      const clone = join(place.base, "clone");
      git(place.root, "clone", "--quiet", ".", clone);
      const { code, ok, repository, stale } = await verified("--cluster", clone);
      expect([code, ok, repository, stale]).toEqual([0, true, clone, []]);
    });

    test("outside of any repository the kit alone is looked at, and that is said", async () => {
      const args = ["recovery-kit", "verify", file];
      const { code, stdout, stderr } = await place.cli(args, recovery, {}, tmpdir());
      expect([code, stderr]).toEqual([0, expect.stringContaining("compared with nothing")]);
      expect(stdout).toMatch(/the recovery kit of prod[^]*contents +ok +10 entries/);
      expect(stdout).not.toContain("vault ");
    });

    test.each([
    ["empty", () => "", /is empty/],
    ["truncated", (text: string) => text.slice(0, text.length / 2), /is truncated/],
    ["flipped", (text: string) => text.slice(0, 900) + (text[900] === "A" ? "B" : "A") + text.slice(901), /is damaged/],
    ["something else", () => "name: prod\n", /no file that age encrypted/],
  ])("a kit that is %s has a message of its own", async (_, change, message) => {
    const broken = join(place.base, "broken.age");
    writeFileSync(broken, change(readFileSync(file, "utf8")));
    const { code, stdout, stderr } = await verify(broken);
    expect([code, stdout, stderr]).toEqual([1, "", expect.stringMatching(message)]);
  }); // prettier-ignore

    test("an encrypted file that is no kit, or was put together again, is refused", async () => {
      const recipient = (await recipientOf(recovery)) ?? "";
      const other = join(place.base, "other.age");
      const said = async (plain: string) => {
        writeFileSync(other, await encryptTo([recipient], plain));
        const { code, stderr } = await verify(other);
        return [code, stderr];
      };
      expect(await said("hello")).toEqual([1, expect.stringContaining("no recovery kit")]);
      const plain = await openAgeFile(file, readFileSync(file, "utf8"), [{ identity: recovery, recipient }]);
      expect(await said(plain.replaceAll("name: prod", "name: evil"))).toEqual([
        1,
        expect.stringContaining("cluster.yaml does not have the sha256 of its manifest"),
      ]);
    });

    test.each([
    ["another key", async () => (await newAgeKey()).identity, 1, /does not open with this key/],
    ["none", () => "", 64, /there is no private age key in stdin/],
    ["the public half", async () => (await recipientOf(recovery)) ?? "", 64, /there is no private age key in stdin/],
    ["a mistyped one", () => recovery.slice(0, -1) + (recovery.endsWith("Q") ? "P" : "Q"), 64, /is mistyped/],
  ])("the recovery key: %s", async (_, key, exit, message) => {
    const { code, stdout, stderr } = await verify(file, await key());
    expect([code, stdout, stderr]).toEqual([exit, "", expect.stringMatching(message)]);
    expect(stderr).not.toContain("AGE-SECRET-KEY-1Q");
  }); // prettier-ignore

    test("the recovery key is never taken as an argument", async () => {
      const { code, stderr } = await place.cli(["recovery-kit", "verify", file, recovery]);
      expect(code).toBe(64);
      expect(stderr).toContain("Too many arguments");
    });

    test("the kit of another cluster is refused by name; of another with the same name by its first commit", async () => {
    const other = join(place.base, "staging");
    cpSync(place.root, other, { recursive: true });
    const yaml = place.read("cluster.yaml");
    writeFileSync(join(other, "cluster.yaml"), yaml.replace("name: prod", "name: staging"));
    const named = await verify(file, recovery, "--cluster", other);
    expect([named.code, named.stderr]).toEqual([1, expect.stringMatching(/kit of the cluster prod, .* of staging/)]);
    writeFileSync(join(other, "cluster.yaml"), yaml);
    rmSync(join(other, ".git"), { recursive: true });
    git(other, "init", "--quiet", "--initial-branch=main");
    git(other, "add", "--all");
    git(other, "commit", "--quiet", "--message=another first");
    const same = await verify(file, recovery, "--cluster", other);
    expect([same.code, same.stderr]).toEqual([1, expect.stringContaining("another cluster that is called prod, too")]);
  }); // prettier-ignore

    test("what has changed since is named, and makes verify fail", async () => {
      const passphrase = PLANTED.TF_VAR_state_passphrase;
      await during("cluster.yaml", (text) => `${text}# more\n`, () =>
        during("versions.lock.json", (text) => `${text}\n`, () =>
          during(".envrc.local", (text) => text.replace(passphrase, "other"), async () => {
            const { code, ok, checks, stale } = await verified();
            expect([code, ok, checks.every((check) => check.ok)]).toEqual([1, false, true]);
            const entries = ["cluster.yaml", "versions.lock.json", "TF_VAR_state_passphrase"];
            expect(stale).toEqual(entries.map((entry) => ({ entry, reason: "changed" })));
          }),
        ),
      );
    }); // prettier-ignore

    test("another password of the volumes' backups is named; without one no kit is made", async () => {
      const path = "kubernetes/infrastructure/velero/repository.sops.yaml";
      const none = join(place.base, "none.age");
      await during(path, (text) => text, async () => {
        await place.setRepositoryPassword("another");
        expect((await verified()).stale).toEqual([{ entry: "velero-repository-password", reason: "changed" }]);
        rmSync(join(place.root, path));
        expect((await verified()).stale).toEqual([]);
        expect(await exportTo(none)).toEqual([1, expect.stringContaining(`there is no ${path}`)]);
        expect(existsSync(none)).toBe(false);
      });
    }); // prettier-ignore

    test("a vault with another password, or none, is seen", async () => {
    const plain = await place.vault("decrypt", place.read(VAULT), PLANTED.ANSIBLE_VAULT_PASSWORD);
    await during(VAULT, (text) => text, async () => {
      await place.setVault(plain, "another");
      expect(await vaultCheck()).toMatchObject({ ok: false, reason: expect.stringContaining("does not open") as string });
      rmSync(join(place.root, VAULT));
      expect(await vaultCheck()).toMatchObject({ ok: false, reason: expect.stringContaining("there is no") as string });
    });
  }); // prettier-ignore

    test("a kit without the vault's password does not borrow the one that lies here", async () => {
      const { manifest, entries } = await opened();
      const fewer = new Map([...entries].filter(([name]) => name !== "ANSIBLE_VAULT_PASSWORD"));
      const other = join(place.base, "fewer.age");
      writeFileSync(other, await encryptTo([(await recipientOf(recovery)) ?? ""], writeKit(manifest, fewer)));
      const { code, stdout } = await verify(other);
      expect([code, stdout]).toEqual([1, expect.stringMatching(/vault +FAILED +the kit has no password/)]);
      expect(stdout).toMatch(/ANSIBLE_VAULT_PASSWORD +stale +not in the kit/);
    });

    test("a rotated token makes the kit stale; the next one has both", async () => {
    const before = await place.token();
    await place.setVault("vault_k3s_token: fresh\n", PLANTED.ANSIBLE_VAULT_PASSWORD);
    expect((await verified()).stale).toEqual([{ entry: "k3s-tokens.json", reason: "changed" }]);
    place.commitAndPush("token");
    expect((await exportKit()).code).toBe(0);
    expect(JSON.parse((await opened()).entries.get("k3s-tokens.json") ?? "")).toEqual({ tokens: ["fresh", before] });
    expect(await verified()).toMatchObject({ code: 0, ok: true });
  }); // prettier-ignore

    test("a renewed cluster key leaves the kit unable to open what is there; the next one has both keys", async () => {
      await place.must(["rotate", "--renew", "cluster"]);
      const { code, checks, stale } = await verified();
      expect([code, stale]).toEqual([1, [{ entry: "age-keys.txt", reason: "changed" }]]);
      expect(checks).toContainEqual({
        name: "age key",
        ok: false,
        reason:
          "does not open 2 of 2 encrypted files: kubernetes/apps/echo/db.sops.yaml, kubernetes/infrastructure/velero/repository.sops.yaml",
      });
      const noted = await exportKit();
      expect([noted.code, noted.stderr]).toEqual([
        0,
        expect.stringMatching(/not committed[^\n]*db\.sops\.yaml/),
      ]);
      expect((await opened()).entries.get("age-keys.txt")?.match(/AGE-SECRET-KEY-1/g)).toHaveLength(2);
      place.commitAndPush("renewed");
      expect(await verified()).toMatchObject({ code: 0, ok: true });
    });

    test("a vault that was rekeyed: what the older versions held is told as not in the kit", async () => {
      await place.setVault("vault_k3s_token: fresh\n", "second");
      place.setSecrets({ ...PLANTED, ANSIBLE_VAULT_PASSWORD: "second" });
      const { code, stderr } = await exportKit();
      expect([code, stderr]).toEqual([
        0,
        expect.stringContaining("2 older versions of the vault do not open"),
      ]);
      place.commitAndPush("rekeyed");
    });

    test("a renewed recovery key: the old kit says so", async () => {
    const old = recovery;
    recovery = (await place.must(["rotate", "--renew", "recovery", "--yes"])).match(/AGE-SECRET-KEY-1\w+/)?.[0] ?? "";
    const { code, stdout } = await verify(file, old);
    expect([code, stdout]).toEqual([1, expect.stringMatching(/recovery key +FAILED +\.sops\.yaml names another one/)]);
    const wrong = await verify(file, recovery);
    expect([wrong.code, wrong.stderr]).toEqual([1, expect.stringContaining("does not open with this key")]);
    place.commitAndPush("recovery");
    expect((await exportKit()).code).toBe(0);
    expect((await verify(file, old)).code).toBe(1);
    expect(await verified()).toMatchObject({ code: 0, ok: true });
  }); // prettier-ignore

    test("export puts it neither into git, nor over something else, nor into a folder that is not there", async () => {
    expect(await exportTo("kit.age")).toEqual([1, expect.stringContaining("kit.age is not ignored by git")]);
    expect(await exportTo("cluster.yaml")).toEqual([64, expect.stringContaining("is there already, and no recovery kit")]);
    expect(await exportTo("/nonexistent/kit.age")).toEqual([64, expect.stringContaining("there is no folder /nonexistent")]);
    expect(place.has("kit.age")).toBe(false);
    const outside = join(place.base, "kit.age");
    expect(await exportTo(outside)).toEqual([0, expect.anything()]);
    expect(await exportTo(outside)).toEqual([0, expect.anything()]);
    expect(statSync(outside).mode & 0o777).toBe(0o600);
  }); // prettier-ignore

    test("without an age key, a token or a place to clone from export is refused, and the kit of before stays", async () => {
    const before = readFileSync(file, "utf8");
    const said = async () => {
      const { code, stdout, stderr } = await exportKit();
      expect([code, stdout, readFileSync(file, "utf8")]).toEqual([1, "", before]);
      return stderr;
    };
    // The recovery key in the cluster's place opens everything here, and is not the cluster's.
    await during(".age-key.local", () => `${recovery}\n`, () =>
      during("cluster.yaml", (text) => text.replace(/^gitops:[^]*?(?=^nodes:)/m, ""), async () => {
        const stderr = await said();
        expect(stderr).toMatch(/age key is not in \.age-key\.local[^]*fix: restore/);
        expect(stderr).toContain("git knows no place besides");
      }),
    );
    await during(VAULT, (text) => text, async () => {
      await place.setVault("other: 1\n", "second");
      expect(await said()).toContain(`${VAULT} has no vault_k3s_token`);
      await place.setVault("vault_k3s_token: 'planted-token\n", "second");
      expect(await said()).not.toContain("planted-token");
    });
  }); // prettier-ignore
  },
);
