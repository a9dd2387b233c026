import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { packInventory } from "../../src/backup-inventory/store.ts";
import { runDrillImport } from "../../src/commands/drill-import.ts";
import type { DrillImport } from "../../src/drill/import.ts";
import { CLUSTER } from "../../src/recovery-kit/contents.ts";
import { readKit } from "../../src/recovery-kit/kit.ts";
import { openAgeFile } from "../../src/tools/sops/age-file.ts";
import { newAgeKey } from "../../src/tools/sops/age.ts";
import { type DrillKey, writeDrillKey } from "../../src/tools/sops/drill-key.ts";
import { tailorKit } from "../../sandbox/drill/repository.ts";
import { git } from "../secrets/corpus.ts";
import { findSops } from "../secrets/place.ts";
import { findAnsible, KitPlace } from "./kit-place.ts";

const sops = await findSops();
const ansible = sops === undefined ? undefined : await findAnsible();

const hash = (data: string | Buffer) => createHash("sha256").update(data).digest("hex");
const part = (text: string) => ({ digest: `sha256:${hash(text)}`, size: text.length });
const DIGEST = `sha256:${hash(manifest())}`;
const PROGRAM = "a program";
const program = (url: string) => ({ version: "1", files: { amd64: { url, sha256: hash(PROGRAM) } } });
const blob = (url: string) => ["{}", "layer"].find((text) => url.endsWith(hash(text)));
const R2 = "https://0123456789abcdef0123456789abcdef.r2.cloudflarestorage.com/";

function manifest(): string {
  return JSON.stringify({ config: part("{}"), layers: [part("layer")] });
}

/** In order: each goes on where the one before ended. */
describe.skipIf(ansible === undefined)(
  "what a drill imports, from an internet of the test's, with real age, SOPS, Ansible and git",
  { timeout: 120_000 },
  () => {
    let place: KitPlace;
    let key: DrillKey;
    let commit: string;
    let recovery: string;
    let identity = "";
    let kit = "";
    let folder = "";
    const stored = new Map<string, Buffer>();
    let asked: { method: string; url: string }[] = [];
    /** What is not R2. */
    let pages: Record<string, string | Buffer> = {};

    beforeAll(async () => {
      if (sops === undefined || ansible === undefined) return;
      place = new KitPlace(sops, ansible, "prod");
      place.write(".gitignore", `${place.read(".gitignore")}.drill-key.local\n`);
      const lock = JSON.parse(place.read("versions.lock.json")) as Record<string, unknown>;
      const programs = { k3s: program("https://github.com/k3s-io/k3s/releases/download/v1%2Bk3s1/k3s"), kubectl: program("https://dl.k8s.io/kubectl"), tailscale: program("https://pkgs.tailscale.com/t.tgz") }; // prettier-ignore
      place.write("versions.lock.json", JSON.stringify({ ...programs, sops: lock["sops"], images: { "quay.io/locked:1": DIGEST } })); // prettier-ignore
      recovery = await place.complete();
      key = { ...(await newAgeKey()), bucket: { accessKeyId: "drill", secretAccessKey: "reads" } };
      identity = join(place.root, ".drill-key.local");
      writeDrillKey(identity, key);
      kit = join(place.root, "prod.recovery-kit.age");
      folder = join(place.base, "import");
    });
    afterAll(() => place.remove());

    beforeEach(() => {
      asked = [];
      vi.stubGlobal("fetch", async (input: Request | string) => {
        const { url, method } = new Request(input);
        asked.push({ url, method });
        if (url.startsWith(R2)) return r2(new URL(url));
        const page = pages[url] ?? (url.includes("/manifests/") ? manifest() : url.includes("/blobs/") ? blob(url) : undefined); // prettier-ignore
        return page === undefined ? new Response(null, { status: 404 }) : new Response(new Uint8Array(Buffer.from(page))); // prettier-ignore
      });
    });
    afterEach(() => vi.unstubAllGlobals());

    const r2 = ({ pathname, searchParams }: URL): Response => {
      const path = decodeURIComponent(pathname.slice(1));
      if (!searchParams.has("list-type")) {
        const bytes = stored.get(path);
        return bytes === undefined ? new Response(null, { status: 404 }) : new Response(new Uint8Array(bytes), { headers: { "content-length": String(bytes.length), "last-modified": "Thu, 26 Nov 2026 12:00:00 GMT" } }); // prettier-ignore
      }
      const prefix = `${path}/${searchParams.get("prefix") ?? ""}`;
      const found = [...stored].filter(([name]) => name.startsWith(prefix));
      const contents = found.map(([name, bytes]) => `<Contents><Key>${name.slice(path.length + 1)}</Key><Size>${bytes.length}</Size><LastModified>2026-11-26T12:00:00.000Z</LastModified></Contents>`); // prettier-ignore
      return new Response(
        `<ListBucketResult><IsTruncated>false</IsTruncated>${contents.join("")}</ListBucketResult>`,
      );
    };

    const importTo = async (of = "last") => {
      let stdout = "";
      const io = { out: (text: string) => void (stdout += text), err: () => undefined, isTerminal: false };
      await runDrillImport({ cluster: place.root, of, kit, identity, to: folder }, io);
      return JSON.parse(stdout) as DrillImport;
    };

    test("the drill's key is a recipient as any other: the kit and what SOPS has encrypted open with it", async () => {
      await place.must(["rotate", "--add", `drill=${key.recipient}`]);
      place.commitAndPush("drills");
      commit = git(place.root, "rev-parse", "HEAD").trim();
      const { code, stdout, stderr } = await place.cli(["recovery-kit", "export", "--json"]);
      expect([code, stderr]).toEqual([0, expect.any(String)]);
      expect((JSON.parse(stdout) as { drill: string }).drill).toBe(key.recipient);
      for (const by of [recovery, key.identity]) {
        const { code: opened } = await place.cli(["recovery-kit", "verify", kit], `${by}\n`);
        expect(opened).toBe(0);
      }
    });

    test("without a backup that has an inventory it says what to do, and nothing is copied", async () => {
      await expect(importTo()).rejects.toThrow(/no backup that a drill could restore[^]*backup create/);
      expect(existsSync(join(folder, "import.json"))).toBe(false);
    });

    test("the backup, its commit, the state, every image by digest and every program of the lock are copied, and nothing is written anywhere", async () => {
      const backup = "nightly-20261126120000";
      const header = { format: 1 as const, cluster: "prod", commit, backup, made: "2026-11-26T12:00:00Z", k3s: "v1", key: "0a".repeat(32), images: [{ name: "ghcr.io/you/app:1", digest: DIGEST }] }; // prettier-ignore
      const inventory = await packInventory([key.recipient], { header, volumes: [], leftOut: [], objects: [] }); // prettier-ignore
      const velero = { metadata: { name: backup, creationTimestamp: "2026-11-26T12:00:00Z" }, status: { phase: "Completed" } }; // prettier-ignore
      const b = "prod-backups";
      for (const [name, bytes] of Object.entries({
        [`${b}/etcd/${backup}-m-1764158400.zip`]: "snapshot",
        [`${b}/etcd/.metadata/${backup}-m-1764158400.zip`]: "{}",
        [`${b}/etcd/etcd-snapshot-m-1764158300.zip`]: "older",
        [`${b}/velero/backups/${backup}/velero-backup.json`]: JSON.stringify(velero),
        [`${b}/velero/backups/other/velero-backup.json`]: "{}",
        [`${b}/velero/kopia/shop/p1`]: "pack",
        [`${b}/inventory/${backup}.jsonl.gz.age`]: Buffer.from(inventory),
        "prod-state/cloudflare.tfstate": "encrypted",
        "prod-state/cloudflare.tfstate.tflock": "locked",
      }))
        stored.set(name, Buffer.from(bytes));
      pages = {
        "https://github.com/k3s-io/k3s/releases/download/v1%2Bk3s1/k3s": PROGRAM,
        "https://dl.k8s.io/kubectl": PROGRAM,
        "https://pkgs.tailscale.com/t.tgz": PROGRAM,
        "http://127.0.0.1:9/sops": readFileSync(place.sops),
      };
      const imported = await importTo();

      expect(imported).toMatchObject({ cluster: "prod", backup, commit, branch: "main", objects: 6, notes: [expect.stringContaining("rancher/mirrored-pause:3.6 by its tag")] }); // prettier-ignore
      expect(imported.images).toEqual([expect.stringContaining("mirrored-pause"), `ghcr.io/you/app:1@${DIGEST}`, `quay.io/locked:1@${DIGEST}`]); // prettier-ignore
      expect(git(join(folder, "repository.git"), "rev-parse", "main").trim()).toBe(commit);
      expect(readFileSync(join(folder, "downloads/github.com/k3s-io/k3s/releases/download/v1+k3s1/k3s"), "utf8")).toBe(PROGRAM); // prettier-ignore
      expect(readFileSync(join(folder, "objects/prod-backups/velero/kopia/shop/p1"), "utf8")).toBe("pack");
      expect(existsSync(join(folder, "objects/prod-backups/velero/backups/other"))).toBe(false);
      expect(existsSync(join(folder, "objects/prod-backups/etcd/etcd-snapshot-m-1764158300.zip"))).toBe(
        false,
      );
      expect(new Set(asked.map(({ method }) => method))).toEqual(new Set(["GET"]));
    });

    test("a second time what is there is not fetched again", async () => {
      await importTo("nightly-20261126120000");
      const fetched = asked.filter(({ url }) => url.startsWith("https://github.com") || /prod-(backups|state)\/.*(p1|tfstate|zip)$/.test(url) || url.includes("/blobs/")); // prettier-ignore

      expect(fetched).toEqual([]);
    });

    test("a commit that this clone has not, and a changed program, are told", async () => {
      const url = "https://dl.k8s.io/kubectl";
      pages[url] = "another program";
      writeFileSync(join(folder, "downloads/dl.k8s.io/kubectl"), "cut off");
      await expect(importTo()).rejects.toThrow(`${url} is not what was locked`);
      expect(existsSync(join(folder, "import.json"))).toBe(false);
      pages[url] = PROGRAM;
      const elsewhere = {
        cluster: place.root,
        of: "last",
        kit,
        identity: join(place.base, "none"),
        to: folder,
      };
      await expect(runDrillImport(elsewhere, { out: () => undefined, err: () => undefined, isTerminal: false })).rejects.toThrow("infra-k3s drill init"); // prettier-ignore
    });

    test("the kit of the drill's place has its cluster.yaml, and all else as it was; its key opens it", async () => {
      const to = join(place.base, "tailored.age");
      const entries = await tailorKit(kit, identity, "name: prod # drilled\n", to);
      const opened = readKit(await openAgeFile(to, readFileSync(to, "utf8"), [key]));

      expect(opened.entries.get(CLUSTER)).toBe("name: prod # drilled\n");
      expect(opened.entries).toEqual(entries);
      const before = readKit(await openAgeFile(kit, readFileSync(kit, "utf8"), [key])).entries;
      expect([...opened.entries.keys()]).toEqual([...before.keys()]);
    });
  },
);
