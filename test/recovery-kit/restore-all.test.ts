import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { tokenId } from "../../src/backup/snapshot.ts";
import { vaultTokens } from "../../src/commands/recovery-kit-contents.ts";
import { requireToken } from "../../src/commands/restore-cluster.ts";
import { openCluster } from "../../src/commands/cluster.ts";
import type { Event } from "../../src/output/events.ts";
import { VAULT } from "../../src/tools/ansible/vault.ts";
import { git } from "../secrets/corpus.ts";
import { findSops } from "../secrets/place.ts";
import { findAnsible, KitPlace, PLANTED } from "./kit-place.ts";

const sops = await findSops();
const ansible = sops === undefined ? undefined : await findAnsible();
/** Nothing of the operator's that the kit does not hold. */
const NOTHING: Record<string, string> = Object.fromEntries(
  ["TF_VAR_hcloud_token", "TF_VAR_vultr_api_key", "TF_VAR_aws_access_key_id", "TF_VAR_aws_secret_access_key", "TF_VAR_cloudflare_api_token", "TAILSCALE_OAUTH_CLIENT_ID", "TAILSCALE_OAUTH_CLIENT_SECRET", "TAILSCALE_AUTHKEY"].map((name) => [name, ""]),
); // prettier-ignore

const snapshot = (token: string) => ({
  name: "etcd-snapshot-hetzner-1-1.zip",
  at: "2026-11-27T00:00:00Z",
  ageSeconds: 1,
  bytes: 1,
  node: null,
  k3s: null,
  tokenId: tokenId(token),
});

describe.skipIf(ansible === undefined)(
  "restore all, up to the first request to a provider, with real git, age, SOPS and Ansible",
  { timeout: 300_000 },
  () => {
    let place: KitPlace;
    let kit = "";
    let identity = "";
    let elsewhere = "";
    beforeAll(async () => {
      if (sops === undefined || ansible === undefined) return;
      place = new KitPlace(sops, ansible, "prod");
      const recovery = await place.complete();
      elsewhere = mkdtempSync(join(place.base, "elsewhere-"));
      kit = join(elsewhere, "prod.recovery-kit.age");
      identity = join(elsewhere, "recovery.txt");
      writeFileSync(identity, `${recovery}\n`, { mode: 0o600 });
      const { code, stderr } = await place.cli(["recovery-kit", "export", "--output", kit]);
      if (code !== 0) throw new Error(stderr);
    }, 300_000);
    afterAll(() => place.remove());

    const all = (args: string[], env: Record<string, string> = NOTHING) =>
      place.cli(["restore", "all", "--kit", kit, "--identity", identity, ...args], "", env, elsewhere);

    test("clones the repository, puts the kit's secrets back for their owner alone, and names each credential that is missing at once", async () => {
      const { code, stderr } = await all(["--repository", place.root]);

      expect(code).toBe(1);
      for (const name of Object.keys(NOTHING).filter((one) => one !== "TAILSCALE_AUTHKEY"))
        expect(stderr).toContain(name);
      const root = join(elsewhere, "prod");
      expect(git(root, "rev-parse", "HEAD")).toBe(git(place.root, "rev-parse", "HEAD"));
      expect(git(root, "status", "--porcelain")).toBe("");
      for (const file of [".envrc.local", ".age-key.local"])
        expect(statSync(join(root, file)).mode & 0o777).toBe(0o600);
      const envrc = readFileSync(join(root, ".envrc.local"), "utf8");
      for (const [name, value] of Object.entries(PLANTED))
        expect(envrc).toContain(`export ${name}='${value}'\n`);
      const own = /^AGE-SECRET-KEY-1\w+$/m.exec(place.read(".age-key.local"))?.[0] ?? "?";
      expect(readFileSync(join(root, ".age-key.local"), "utf8")).toContain(own);
      for (const secret of [...Object.values(PLANTED), own]) expect(stderr).not.toContain(secret);
    });

    test("run again it goes on with the clone, and leaves what was put there since", async () => {
      const envrc = join(elsewhere, "prod/.envrc.local");
      writeFileSync(envrc, `${readFileSync(envrc, "utf8")}export TF_VAR_hcloud_token='mine'\n`, {
        mode: 0o600,
      });
      const { TF_VAR_hcloud_token: _, ...withOne } = NOTHING;
      const { code, stderr } = await all([], withOne);

      expect([code, stderr]).toEqual([1, expect.not.stringContaining("cloning")]);
      expect(stderr).not.toContain("TF_VAR_hcloud_token");
      expect(readFileSync(envrc, "utf8")).toContain("export TF_VAR_hcloud_token='mine'");
    });

    test("the kit of another cluster is refused by name, and nothing is put anywhere", async () => {
      const other = join(elsewhere, "other");
      cpSync(place.root, other, { recursive: true });
      for (const file of [".envrc.local", ".age-key.local"]) rmSync(join(other, file));
      const text = readFileSync(join(other, "cluster.yaml"), "utf8");
      writeFileSync(join(other, "cluster.yaml"), text.replace("name: prod", "name: other"));
      const { code, stderr } = await all([other]);

      expect([code, stderr]).toEqual([1, expect.stringContaining("the recovery kit of the cluster prod")]);
      expect(existsSync(join(other, ".envrc.local"))).toBe(false);
    });

    test("a kit whose vault password is not the vault's any more opens nothing, and says so", async () => {
      const later = join(elsewhere, "later");
      cpSync(place.root, later, { recursive: true });
      for (const file of [".envrc.local", ".age-key.local"]) rmSync(join(later, file));
      const sealed = await place.vault("encrypt", "---\nvault_k3s_token: x\n", "another");
      writeFileSync(join(later, VAULT), `${sealed}\n`);
      const { code, stderr } = await all([later]);

      expect([code, stderr]).toEqual([1, expect.stringContaining("does not open the repository")]);
      expect(stderr).toContain("vault: ");
      expect(existsSync(join(later, ".envrc.local"))).toBe(false);
    });

    test("a repository that can't be cloned, and a folder that is something else, are told; nothing half is left", async () => {
      const gone = await all(["--repository", join(elsewhere, "nowhere"), join(elsewhere, "new")]);
      const taken = await all([place.base]);

      expect([gone.code, gone.stderr]).toEqual([1, expect.stringContaining("can't be cloned")]);
      expect(existsSync(join(elsewhere, "new"))).toBe(false);
      expect(existsSync(join(elsewhere, "new.partial"))).toBe(false);
      expect([taken.code, taken.stderr]).toEqual([64, expect.stringContaining("no cluster repository")]);
    });

    test("a snapshot of before a rotation gets the token of its day: from git, or from the kit; else nothing is changed", async () => {
      if (ansible === undefined) return;
      const first = await place.token();
      await place.setVault("---\nvault_k3s_token: second\nvault_other: kept\n", PLANTED.ANSIBLE_VAULT_PASSWORD); // prettier-ignore
      place.commitAndPush("rotated");
      const events: Event[] = [];
      const cluster = openCluster({ cluster: place.root });
      const require = (token: string, ofKit: string[] = []) =>
        requireToken(cluster, ansible, snapshot(token), ofKit, (event) => void events.push(event));
      const plain = () => place.vault("decrypt", place.read(VAULT), PLANTED.ANSIBLE_VAULT_PASSWORD);

      const today = place.read(VAULT);
      await require("second");
      expect(place.read(VAULT)).toBe(today);

      await require(first);
      expect(await place.token()).toBe(first);
      expect(await plain()).toContain("vault_other: kept");
      expect(statSync(join(place.root, VAULT)).mode & 0o777).toBe(0o600);
      expect(JSON.stringify(events)).toContain("the vault has the token of its day again");

      await expect(require("unknown")).rejects.toThrow(/is not at hand; nothing was changed[^]*--kit FILE/);
      await require("of-the-kit", ["of-the-kit"]);
      expect((await vaultTokens(cluster, ansible)).tokens[0]).toBe("of-the-kit");
      expect(JSON.stringify(events)).not.toContain("of-the-kit");
    });
  },
);
