import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { PRODUCT_ROOT } from "../../../src/repository/shipped.ts";
import { run } from "../../../src/tools/process/process.ts";
import { withData } from "../../../src/tools/ssh/python.ts";
import { BUCKET, type Gate, lockOf, startGate } from "./r2-gate.fake.ts";

/** The copier as its unit runs it, but for where its files are and how long it waits before it asks again. */
const PROGRAM = `
import sys
sys.dont_write_bytecode = True
sys.path.insert(0, DATA["files"])
import s3, second_line
s3.time.sleep = lambda seconds: None
second_line.CONFIG, second_line.STATE = DATA["config"], DATA["state"]
second_line.main(DATA["days"])
`;
const FILES = join(PRODUCT_ROOT, "ansible/roles/second_line/files");
const DAYS = 7;
const DAY = 86_400_000;
const START = Date.parse("2026-11-26T12:00:00Z");

// Each run starts Python, and a machine may be busy.
vi.setConfig({ testTimeout: 120_000 });
let gate: Gate;
let now: number;

beforeEach(async () => {
  gate = await startGate([lockOf("second/", 2 * DAYS + 1)]);
  vi.useFakeTimers({ toFake: ["Date"] });
  goTo(0);
  const { id, secret } = gate.key;
  const lines = { endpoint: gate.endpoint, bucket: BUCKET, folder: "etcd", "access-key": `"${id}"`, "secret-key": `"${secret}"` }; // prettier-ignore
  const text = Object.entries(lines).map(([name, value]) => `etcd-s3-${name}: ${value}\n`).join(""); // prettier-ignore
  writeFileSync(
    join(gate.folder, "s3.yaml"),
    `# Ansible managed. https://docs.k3s.io\netcd-s3: true\n${text}`,
  );
});
afterEach(() => {
  gate.close();
  vi.useRealTimers();
});

/** So many milliseconds after the start. */
function goTo(milliseconds: number): void {
  now = START + milliseconds;
  vi.setSystemTime(now);
}

const write = (name: string, content = name) => gate.s3.put(`${BUCKET}/velero/${name}`, content);
function backup(name: string, phase = "Completed"): void {
  for (const file of [`${name}.tar.gz`, `${name}-podvolumebackups.json.gz`]) write(`backups/${name}/${file}`);
  write(`backups/${name}/velero-backup.json`, JSON.stringify({ status: { phase } }));
}

interface State {
  generation: string;
  at: number;
  until: number;
  fault: string;
  empty: boolean;
}

async function copy(days = DAYS) {
  const state = join(gate.folder, "last.json");
  const data = { files: FILES, config: join(gate.folder, "s3.yaml"), state, days };
  const { PATH } = process.env;
  const env = { PATH: PATH ?? "", SSL_CERT_FILE: gate.ca };
  const ended = await run({ argv: ["python3", "-"], stdin: withData(PROGRAM, data), env });
  return { ...ended, state: JSON.parse(readFileSync(state, "utf8")) as State };
}

/** What the second line holds, below its generation. */
const held = (generation = "20261126T120000Z") =>
  gate.s3.keys(`${BUCKET}/second/${generation}/velero/`).map((key) => key.split("/velero/")[1]);
const marks = () => gate.s3.keys(`${BUCKET}/second/complete/`).map((key) => key.slice(`${BUCKET}/second/complete/`.length)); // prettier-ignore
const generations = () => [...new Set(gate.s3.keys(`${BUCKET}/second/`).map((key) => key.split("/")[2]))].filter((one) => one !== "complete"); // prettier-ignore
/** What was asked of the server behind the gate. */
function asked(): string[] {
  const seen: string[] = [];
  gate.s3.onRequest = (method, key) => {
    if (method === "COPY" || method === "PUT" || method === "DELETE")
      seen.push(`${method} ${key.replace(/^.*\/velero\//, "")}`);
    return 0;
  };
  return seen;
}

const REPOSITORY = ["kopia.repository", "kopia.blobcfg", "p01", "q01", "xn0_01"].map((one) => `kopia/shop/${one}`); // prettier-ignore
const BACKUP = (name: string) => [`${name}-podvolumebackups.json.gz`, `${name}.tar.gz`, "velero-backup.json"].map((one) => `backups/${name}/${one}`); // prettier-ignore

/** Two minutes after a repository and a backup came to be. */
async function begun() {
  for (const name of REPOSITORY) write(name);
  backup("one");
  goTo(120_000);
  return copy();
}

describe("a generation", () => {
  test("holds what Velero restores from, and says last that it is complete", async () => {
    for (const name of ["kopia.maintenance", "_log_1", "sabc"]) write(`kopia/shop/${name}`);
    write("restores/r/r.log");
    backup("failed", "PartiallyFailed");
    backup("running", "Finalizing");
    const order = asked();
    const { exitCode, state, stdout } = await begun();

    expect(stdout).toBe("20261126T120200Z: 8 objects copied, 0 of older generations removed");
    expect(exitCode).toBe(0);
    expect(held("20261126T120200Z")).toEqual([...REPOSITORY, ...BACKUP("one")].sort());
    expect(marks()).toEqual(["20261126T120200Z/20261126T120200Z.json"]);
    expect(state).toMatchObject({ generation: "20261126T120200Z", at: (START + 120_000) / 1000, fault: "" });
    expect(state.until).toBe((START + 120_000 + 15 * DAY) / 1000);
    expect(order.at(-1)).toMatch(/^PUT .*second\/complete\//);
    expect(order.findIndex((one) => one.endsWith("xn0_01"))).toBe(4);
    expect(order.at(-2)).toBe("COPY backups/one/velero-backup.json");
  });

  test("takes what is new, and nothing twice", async () => {
    await begun();
    write("kopia/shop/p02");
    write("kopia/shop/xn0_02");
    backup("two");
    goTo(3_600_000);
    const order = asked();
    await copy();
    const again = await copy();

    expect(order.filter((one) => one.startsWith("COPY"))).toHaveLength(5);
    expect(again.stdout).toMatch(/ 0 objects copied/);
    expect(generations()).toEqual(["20261126T120200Z"]);
    expect(marks()).toHaveLength(2);
  });

  test("is called complete again every hour, also where nothing is new", async () => {
    await begun();
    goTo(120_000 + 40 * 60_000);
    await copy();
    const before = marks().length;
    goTo(120_000 + 55 * 60_000);
    const { state } = await copy();

    expect([before, marks().length]).toEqual([1, 2]);
    expect(state.at).toBe(now / 1000);
  });

  test("leaves a backup that was written just now to the next look: its tarball may come once more", async () => {
    await begun();
    goTo(3_600_000);
    backup("two");
    await copy();
    expect(held("20261126T120200Z").filter((one) => one?.includes("two"))).toEqual([]);
    goTo(3_660_000);
    await copy();

    expect(held("20261126T120200Z").filter((one) => one?.includes("two"))).toHaveLength(3);
  });

  test("leaves a pack's index that is younger than the list to the next look", async () => {
    await begun();
    goTo(3_600_000);
    gate.s3.onRequest = (_, __, parameters) => {
      // The list of everything is done, that of the packs begins.
      if (parameters.get("prefix") === "velero/kopia/")
        for (const name of ["p09", "xn0_09"]) write(`kopia/shop/${name}`);
      return 0;
    };
    await copy();

    expect(held("20261126T120200Z")).toContain("kopia/shop/p09");
    expect(held("20261126T120200Z")).not.toContain("kopia/shop/xn0_09");
  });

  test("goes on where a run was killed", async () => {
    for (const name of REPOSITORY) write(name);
    backup("one");
    goTo(120_000);
    gate.s3.onRequest = (method, key) => (method === "COPY" && key.endsWith(".tar.gz") ? 500 : 0);
    const broken = await copy();
    const marked = marks();
    goTo(600_000);
    const order = asked();
    const { exitCode } = await copy();

    expect([broken.exitCode, broken.state.fault, marked]).toEqual([
      1,
      expect.stringContaining("R2 refused PUT"),
      [],
    ]);
    expect(exitCode).toBe(0);
    expect(order.filter((one) => one.startsWith("COPY")).length).toBeLessThanOrEqual(3);
    expect(generations()).toEqual(["20261126T120200Z"]);
  });

  test("a copy whose answer was lost is there, and no fault", async () => {
    let lost = 0;
    gate.s3.onRequest = (method, key) => {
      if (method !== "COPY" || !key.endsWith("p01") || lost++ > 0) return 0;
      gate.s3.put(key, gate.s3.objects.get(`${BUCKET}/velero/kopia/shop/p01`)?.bytes ?? "");
      return 500;
    };
    const { exitCode } = await begun();

    expect([exitCode, lost, marks().length]).toEqual([0, 1, 1]);
  });

  test("what vanishes while it is copied is looked for again", async () => {
    write("kopia/shop/p77");
    gate.s3.onRequest = (method, key) => {
      if (method === "COPY" && key.endsWith("p77")) gate.s3.objects.delete(`${BUCKET}/velero/kopia/shop/p77`);
      return 0;
    };
    const { exitCode } = await begun();

    expect(exitCode).toBe(0);
    expect(held("20261126T120200Z")).not.toContain("kopia/shop/p77");
  });
});

describe("the next generation", () => {
  test("is begun after so many days, whole in itself, and the older one goes when its lock has run out", async () => {
    await begun();
    goTo(7 * DAY);
    await copy();
    const before = generations().length;
    goTo(7 * DAY + 180_000);
    await copy();
    const [first = "", second = ""] = generations();
    const whole = held(second);
    goTo(15 * DAY);
    await copy();
    const kept = held(first);
    goTo(15 * DAY + 300_000);
    const { stdout } = await copy();
    goTo(22 * DAY + 60_000);
    const last = await copy();

    expect(before).toBe(1);
    expect(last.stdout).toMatch(/ 1 of older generations removed$/);
    expect(whole).toEqual([...REPOSITORY, ...BACKUP("one")].sort());
    expect(kept).toEqual(whole);
    expect(stdout).toMatch(/ 9 of older generations removed$/);
    // The third was due meanwhile, and the fourth at the last look.
    expect(generations()).toEqual([second, "20261211T120000Z", "20261218T120100Z"]);
  });

  test("does not take the older one away before it is complete", async () => {
    await begun();
    goTo(30 * DAY);
    gate.s3.onRequest = (method, key) => (method === "COPY" && key.endsWith("p01") ? 500 : 0);
    const { exitCode } = await copy();

    expect(exitCode).toBe(1);
    expect(held("20261126T120200Z")).toHaveLength(8);
  });
});

describe("with the cluster's keys stolen", () => {
  test("nothing of a generation is deleted or overwritten, and the emptied first line is no copy to take", async () => {
    await begun();
    for (const key of gate.s3.keys(`${BUCKET}/velero/`)) gate.s3.objects.delete(key);
    const before = held("20261126T120200Z");
    for (const key of gate.s3.keys(`${BUCKET}/second/`)) {
      expect(await gate.ask("DELETE", `/${key}`)).toMatch(/^403/);
      expect(await gate.ask("PUT", `/${key}`, { body: "ransom" })).toMatch(/^403/);
    }
    goTo(8 * DAY);
    const { state, exitCode } = await copy();

    expect([exitCode, state.empty, held("20261126T120200Z")]).toEqual([0, true, before]);
    expect(state.at).toBe((START + 120_000) / 1000);
    expect(generations()).toEqual(["20261126T120200Z"]);
  });

  test("a repository that was put in another's place is told, and does not have everything copied at once", async () => {
    await begun();
    goTo(3_600_000);
    write("kopia/shop/kopia.repository", "another");
    const { exitCode, state } = await copy();
    goTo(2 * DAY);
    const later = await copy();

    expect([exitCode, state.fault]).toEqual([
      1,
      expect.stringContaining("kopia/shop/kopia.repository is another"),
    ]);
    expect(marks()).toHaveLength(2);
    expect(later.exitCode).toBe(0);
    expect(generations()).toEqual(["20261126T120200Z", "20261128T120000Z"]);
  });

  test("what was put where a copy belongs is told", async () => {
    await begun();
    write("kopia/shop/p05");
    gate.s3.put(`${BUCKET}/second/20261126T120200Z/velero/kopia/shop/p05`, "something longer than that");
    goTo(3_600_000);

    expect((await copy()).state.fault).toContain("kopia/shop/p05 is another");
  });

  test("a generation of the future is nobody's", async () => {
    gate.s3.put(`${BUCKET}/second/29990101T000000Z/velero/x`, "");
    gate.s3.put(`${BUCKET}/second/complete/29990101T000000Z/29990101T000000Z.json`, "");

    expect((await begun()).state.generation).toBe("20261126T120200Z");
  });
});

test("a new cluster has nothing to copy, and nothing is called complete", async () => {
  const { exitCode, state } = await copy();

  expect([exitCode, state.empty, gate.s3.keys(`${BUCKET}/second/`)]).toEqual([0, true, []]);
});

test("a key that is refused is told, without the key", async () => {
  backup("one");
  goTo(120_000);
  const file = join(gate.folder, "s3.yaml");
  writeFileSync(file, readFileSync(file, "utf8").replace(gate.key.secret, "f".repeat(64)));
  const { exitCode, state, stderr } = await copy();

  expect(exitCode).toBe(1);
  expect(state.fault).toContain("403 SignatureDoesNotMatch");
  expect(stderr).not.toContain("ffff");
});

test("without K3s's file it says what to do", async () => {
  writeFileSync(join(gate.folder, "s3.yaml"), "");

  expect((await copy()).state.fault).toMatch(/does not name a bucket .*infra-k3s up/);
});
