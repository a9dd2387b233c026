import {
  chmodSync,
  chownSync,
  cpSync,
  linkSync,
  lutimesSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { run } from "../tools/process/process.ts";
import { type CompareOptions, compareVolumes } from "./compare.ts";
import { look, lookAt } from "./volume.fake.ts";

// Each case starts programs, on a machine that may be busy.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 });

const isRoot = process.getuid?.() === 0;
let folder: string;
let saved: string;
let restored: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "infra-k3s-volume-"));
  saved = join(folder, "saved");
  restored = join(folder, "restored");
  mkdirSync(join(saved, "sub/deep"), { recursive: true });
  writeFileSync(join(saved, "config.yaml"), "name: shop\n");
  writeFileSync(join(saved, "empty"), "");
  writeFileSync(join(saved, "sub/data.bin"), Buffer.alloc(300_000, "data"));
  symlinkSync("sub/data.bin", join(saved, "latest"));
  cpSync(saved, restored, { recursive: true, preserveTimestamps: true, verbatimSymlinks: true });
  keepTimes("config.yaml", "empty", "sub/data.bin");
});
afterEach(() => rmSync(folder, { recursive: true }));

/** `cpSync` keeps no nanoseconds: whole seconds on both sides. */
function keepTimes(...paths: string[]): void {
  for (const path of paths) for (const side of [saved, restored]) utimesSync(join(side, path), 1_700_000_000, 1_700_000_000); // prettier-ignore
}

async function compare(options: CompareOptions = {}) {
  const [before, after] = await look([saved, restored]);
  const { differing, ...rest } = compareVolumes(before ? [before] : [], after ? [after] : [], options);
  return { ...rest, differing: differing.map(({ path, what }) => `${path} ${what}`) };
}

test("a volume that came back whole is equal, and says how much was compared", async () => {
  expect(await compare()).toEqual({
    filesCompared: 3,
    bytesCompared: 300_011,
    differing: [],
    unsettled: 0,
  });
});

/** Each changes the restored side in one way. */
const CHANGES: [what: string, change: (at: (path: string) => string) => void, told: string[]][] = [
  ["one flipped byte", (at) => {
    const bytes = Buffer.alloc(300_000, "data");
    bytes[299_999] = 0;
    writeFileSync(at("sub/data.bin"), bytes);
    utimesSync(at("sub/data.bin"), 1_700_000_000, 1_700_000_000);
  }, ["sub/data.bin content"]],
  ["one byte less", (at) => truncateSync(at("sub/data.bin"), 299_999), ["sub/data.bin size"]],
  ["a missing file", (at) => unlinkSync(at("empty")), ["empty missing"]],
  ["a missing folder", (at) => rmSync(at("sub"), { recursive: true }), ["sub missing", "sub/data.bin missing", "sub/deep missing"]],
  ["an extra file", (at) => writeFileSync(at("sub/extra"), ""), ["sub/extra unexpected"]],
  ["a changed mode", (at) => chmodSync(at("config.yaml"), 0o600), ["config.yaml mode"]],
  ["a folder's changed mode", (at) => chmodSync(at("sub"), 0o1777), ["sub mode"]],
  ["the root's changed mode", (at) => chmodSync(at("."), 0o700), [". mode"]],
  ["another time", (at) => utimesSync(at("empty"), 1, 1), ["empty mtime"]],
  ["a symlink that leads elsewhere", (at) => {
    unlinkSync(at("latest"));
    symlinkSync("sub/data.bin2", at("latest"));
  }, ["latest target"]],
  ["a file where a symlink was", (at) => {
    unlinkSync(at("latest"));
    writeFileSync(at("latest"), "sub/data.bin");
  }, ["latest type"]],
  ["a folder where a file was", (at) => {
    unlinkSync(at("empty"));
    mkdirSync(at("empty/inside"), { recursive: true });
  }, ["empty type", "empty/inside unexpected"]],
]; // prettier-ignore

test.each(CHANGES)("%s is found and named", async (_, change, told) => {
  change((path) => join(restored, path));

  expect((await compare()).differing).toEqual(told);
});

test.runIf(isRoot)("another owner is found and named", async () => {
  chownSync(join(restored, "config.yaml"), 1000, 0);
  chownSync(join(restored, "sub"), 0, 1000);

  expect((await compare()).differing).toEqual(["config.yaml owner", "sub owner"]);
});

describe("names", () => {
  const ODD = [Buffer.from([0x66, 0xff, 0xfe]), Buffer.from("two\nlines"), Buffer.from('"quoted"\\'), Buffer.from("umläut €𝄞")]; // prettier-ignore

  test("that are not UTF-8, have newlines or quotes survive, and a change of one is named", async () => {
    for (const side of [saved, restored])
      for (const name of ODD) {
        const path = Buffer.concat([Buffer.from(`${side}/`), name]);
        writeFileSync(path, name);
        utimesSync(path, 1, 1);
      }
    expect(await compare()).toMatchObject({ differing: [], filesCompared: 7 });

    writeFileSync(Buffer.concat([Buffer.from(`${restored}/`), ODD[0] ?? Buffer.from("")]), "xyz");
    writeFileSync(join(restored, "two\nlines"), "TWO\nLINES");
    expect((await compare()).differing).toEqual(["f\udcff\udcfe content", "two\nlines content"]);
  });
});

test("a sparse file is its bytes: holes are as good as zeros, and a byte in a hole is found", async () => {
  truncateSync(join(saved, "empty"), 20_000_000);
  writeFileSync(join(restored, "empty"), Buffer.alloc(20_000_000));
  keepTimes("empty");
  expect(statSync(join(saved, "empty")).blocks).toBe(0);
  expect((await compare()).differing).toEqual([]);

  const bytes = Buffer.alloc(20_000_000);
  bytes[10_000_000] = 1;
  writeFileSync(join(restored, "empty"), bytes);
  expect((await compare()).differing).toEqual(["empty content"]);
});

test("20,000 small files, of which one has another byte", async () => {
  for (let group = 0; group < 100; group++) {
    mkdirSync(join(saved, `g${group}`));
    for (let i = 0; i < 200; i++) writeFileSync(join(saved, `g${group}/${i}`), `${group} ${i}`);
  }
  rmSync(restored, { recursive: true });
  await run({ argv: ["cp", "-a", saved, restored] });
  writeFileSync(join(restored, "g77/123"), "77 124");

  const compared = await compare();
  expect(compared).toMatchObject({ filesCompared: 20_003, differing: ["g77/123 content"] });
});

describe("what a file-system backup does not keep", () => {
  test("is passed over, and compared where the volume itself survived", async () => {
    linkSync(join(saved, "empty"), join(saved, "again"));
    writeFileSync(join(restored, "again"), "");
    utimesSync(join(restored, "again"), 1_700_000_000, 1_700_000_000);
    lutimesSync(join(restored, "latest"), 5, 5);
    await run({ argv: ["mkfifo", join(saved, "queue")] });
    mkdirSync(join(restored, ".velero"));
    writeFileSync(join(restored, ".velero/00000000-0000"), "");

    expect((await compare()).differing).toEqual([]);
    const all = (await compare({ survived: true })).differing;
    expect(all).toEqual(
      expect.arrayContaining(["again links", "empty links", "latest mtime", "queue missing", ".velero unexpected"]),
    ); // prettier-ignore
  });

  test.runIf(isRoot)("extended attributes are among it", async () => {
    const set = await run({ argv: ["python3", "-c", "import os,sys; os.setxattr(sys.argv[1], 'user.x', b'1')", join(saved, "empty")] }); // prettier-ignore
    if (set.exitCode !== 0) return;
    expect((await compare()).differing).toEqual([]);
    expect((await compare({ survived: true })).differing).toContain("empty xattrs");
  });
});

const at = (path: string) => JSON.stringify(join(saved, path));
const problems = ({ entries }: Awaited<ReturnType<typeof lookAt>>) =>
  entries.filter(({ problem }) => problem !== "").map(({ path, problem }) => `${path} ${problem}`);

describe("a volume that is worked on", () => {
  test("a file that is written while it is read is told, and is no difference", async () => {
    const volume = await lookAt(saved, { meanwhile: `open(${at("config.yaml")}, "a").write("x")` });

    expect(problems(volume)).toEqual(["config.yaml changed"]);
    expect(compareVolumes([volume], [await lookAt(restored)])).toMatchObject({ differing: [], unsettled: 1 });
  });

  test("one that is written over with as many bytes and its old time is told, too", async () => {
    const meanwhile = `open(${at("config.yaml")}, "r+").write("NAME"); os.utime(${at("config.yaml")}, (1, 1700000000))`;

    expect(problems(await lookAt(saved, { meanwhile }))).toEqual(["config.yaml changed"]);
  });

  test("a file that goes meanwhile is told, and what comes in the place of one is not followed", async () => {
    // More than are opened ahead, so that the last are not reached yet.
    for (let i = 100; i < 200; i++) writeFileSync(join(saved, `d${i}`), "");
    mkdirSync(join(saved, "z"));
    const meanwhile = [
      `os.unlink(${at("d190")})`,
      `os.unlink(${at("d191")})`,
      `os.symlink("/etc/hostname", ${at("d191")})`,
      `os.rmdir(${at("z")})`,
      `os.symlink("/etc", ${at("z")})`,
    ].join("; ");
    const volume = await lookAt(saved, { meanwhile });

    expect(problems(volume)).toEqual(["d190 vanished"]);
    expect(volume.entries.filter(({ type }) => type === "symlink").map(({ path, target }) => [path, target])).toEqual([["d191", "/etc/hostname"], ["latest", "sub/data.bin"], ["z", "/etc"]]); // prettier-ignore
  });
});

test("nothing is followed out of the volume: neither a symlink nor another file system", async () => {
  symlinkSync("/", join(saved, "everything"));
  mkdirSync(join(saved, "mounted"));
  const mounting = `mount -t tmpfs none '${saved}/mounted' && touch '${saved}/mounted/other' && exec "$@"`;
  const volume = await lookAt(
    saved,
    isRoot ? { within: ["unshare", "--mount", "sh", "-c", mounting, "sh"] } : {},
  );

  expect(volume.entries.map(({ path }) => path)).toEqual([
    ".", "config.yaml", "empty", "everything", "latest", "mounted", "sub", "sub/data.bin", "sub/deep",
  ]); // prettier-ignore
  const told = isRoot ? [["mounted", "unread"]] : [];
  expect(compareVolumes([volume], [volume]).differing.map(({ path, what }) => [path, what])).toEqual(told);
});

test("a volume that is not there is told as a whole", async () => {
  const gone = await lookAt(join(folder, "gone"));

  expect(gone).toMatchObject({ problem: expect.stringContaining("No such file or directory") as string, entries: [] });
  expect(compareVolumes([await lookAt(saved)], [gone]).differing).toMatchObject([{ volume: "shop/data", path: "", what: "unread" }]);
}); // prettier-ignore
