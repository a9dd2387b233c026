import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { hashedState } from "./canonical.ts";
import { compareInventories, compareObjects, compareVolumes, within } from "./compare.ts";
import type { Entry, Inventory, InventoryObject, Volume } from "./inventory.ts";
import { settleInventories } from "./settle.ts";
import { entry, folder } from "./volume.fake.ts";

const volume = (entries: Entry[], name = "shop/data"): Volume => ({ name, node: "w1", problem: "", entries });
const object = (name: string, rest: object = {}, kind = "ConfigMap"): InventoryObject => {
  const whole = { apiVersion: "v1", kind, metadata: { name, namespace: "shop" }, ...rest };
  const hashed = hashedState(whole);
  if (hashed === undefined) throw new Error("it is left out");
  return hashed;
};
const inventory = (of: Partial<Inventory> = {}): Inventory => ({
  header: {
    format: 1,
    cluster: "prod",
    commit: "abc",
    backup: "b1",
    made: "2026-11-26T12:00:00Z",
    k3s: "v1.36.3+k3s1",
    images: [],
    key: "00".repeat(32),
  },
  leftOut: [],
  volumes: [volume([folder("."), entry("a")])],
  objects: [object("c", { data: { a: "1" } }), object("data", {}, "PersistentVolumeClaim")],
  ...of,
});

describe("nothing compared is never equal", () => {
  test("an inventory is equal to itself", () => {
    const { equal, reason, objects, volumes } = compareInventories(inventory(), inventory());
    expect([equal, reason]).toEqual([true, ""]);
    expect([objects.compared, volumes.filesCompared, volumes.bytesCompared]).toEqual([2, 1, 1]);
  });

  const busy = [volume([folder("."), entry("a", { problem: "changed" })])];
  test.each([
    ["an empty inventory", inventory({ volumes: [], objects: [] }), /empty/],
    ["one without objects", inventory({ objects: [] }), /no object was expected/],
    ["one whose objects were all in motion", inventory({ objects: inventory().objects.map((one) => ({ ...one, isChanging: true })) }), /no object was compared/],
    ["one whose files were all in motion", inventory({ volumes: busy }), /no file was compared/],
    ["one taken with another key", inventory({ header: { ...inventory().header, key: "11".repeat(32) } }), /same key/],
  ])("%s", (_, expected, reason) => {
    expect(compareInventories(expected, inventory({ objects: expected.objects, volumes: expected.volumes }))).toMatchObject({
      equal: false,
      reason: expect.stringMatching(reason) as string,
    });
  }); // prettier-ignore

  test("a claim whose volume the inventory does not have", () => {
    const compared = compareInventories(inventory({ volumes: [] }), inventory());
    expect(compared.equal).toBe(false);
    expect(compared.volumes.differing).toContainEqual(expect.objectContaining({ volume: "shop/data", what: "unread" }));
  }); // prettier-ignore

  test("a volume whose node could not be reached, before or after", () => {
    const unseen = inventory({ volumes: [{ name: "shop/data", node: "w1", problem: "w1 can't be reached", entries: [] }] });
    for (const [expected, found] of [[unseen, inventory()], [inventory(), unseen], [unseen, unseen]] as const)
      expect(compareInventories(expected, found)).toMatchObject({
        equal: false,
        volumes: { differing: [{ volume: "shop/data", path: "", what: "unread", found: "w1 can't be reached" }] },
      });
  }); // prettier-ignore

  test("a cluster without a claim has no volume to compare", () => {
    const none = inventory({ volumes: [], objects: [object("c")] });
    expect(compareInventories(none, none)).toMatchObject({ equal: true, volumes: { filesCompared: 0 } });
  });

  test("a claim that no file-system backup can save is told, and is no difference", () => {
    const leftOut = [{ name: "shop/data", why: "it is not of type local" }];
    expect(compareInventories(inventory({ volumes: [], leftOut }), inventory({ volumes: [] }))).toMatchObject({ equal: true, leftOut });
  }); // prettier-ignore
});

describe("objects", () => {
  const was = [object("a", { data: { x: "1", y: "2" } }), object("b"), object("c")];

  test("a missing, an unexpected and a changed one are named, the last with its fields", () => {
    const is = [object("a", { data: { x: "1", y: "3", z: "4" } }), object("c"), object("d")];
    const { compared, differing } = compareObjects(was, is);

    expect(compared).toBe(2);
    expect(differing.map(({ name, what, fields }) => [name, what, fields])).toEqual([
      ["a", "changed", ["data.y", "data.z"]],
      ["b", "missing", []],
      ["d", "unexpected", []],
    ]);
  });

  test("the same name in another namespace, kind or group is another object", () => {
    for (const other of [{ namespace: "x" }, { kind: "Secret" }, { group: "example.com" }])
      expect(compareObjects(was, [{ ...object("a"), ...other }]).compared).toBe(0);
  });
});

test("a volume of another name is another volume", () => {
  const { differing } = compareVolumes([volume([folder(".")])], [volume([folder(".")], "shop/other")]);
  expect(differing.map(({ volume: name, what }) => [name, what])).toEqual([
    ["shop/data", "missing"],
    ["shop/other", "unexpected"],
  ]);
});

test("only the namespaces that were restored can be compared", () => {
  const whole = inventory({
    volumes: [...inventory().volumes, volume([folder(".")], "shop2/data")],
    leftOut: [{ name: "other/x", why: "" }],
    objects: [object("c"), { ...object("n"), namespace: "" }, { ...object("shop", {}, "Namespace"), namespace: "" }],
  });
  const part = within(whole, ["shop"]);
  expect([part.volumes.map(({ name }) => name), part.leftOut, part.objects.map(({ name }) => name)]).toEqual([
    ["shop/data"],
    [],
    ["c", "shop"],
  ]);
}); // prettier-ignore

describe("what two looks at a working cluster settle", () => {
  const look = (entries: Entry[], objects: InventoryObject[] = []) =>
    inventory({ volumes: [volume(entries)], objects: [object("c"), ...objects] });
  const settled = settleInventories(
    look([folder("."), entry("log", { size: 1 }), entry("still"), folder("tmp"), entry("tmp/1"), entry("gone")], [object("counter", { data: { n: "1" } }), object("old")]),
    look([folder("."), entry("log", { size: 2 }), entry("still"), folder("tmp", { mtime: "2" }), entry("tmp/2"), entry("new")], [object("counter", { data: { n: "2" } }), object("young")]),
  ); // prettier-ignore

  test("what both saw alike is compared, what moved is not", () => {
    const back = look([folder("."), entry("log", { size: 9 }), entry("still"), folder("tmp"), entry("tmp/3")], [object("counter", { data: { n: "3" } })]); // prettier-ignore
    const { equal, volumes, objects } = compareInventories(settled, back);

    expect([equal, volumes.differing, objects.differing]).toEqual([true, [], []]);
    // log, tmp/1, tmp/2, gone, new; tmp/3, which came to a folder in motion. counter, old, young.
    expect([volumes.filesCompared, volumes.unsettled, objects.unsettled]).toEqual([1, 6, 3]);
  });

  test("what stood still is compared as strictly as ever", () => {
    const back = look([folder("."), entry("still", { sha256: "b".repeat(64) }), folder("tmp", { mode: "0700" }), entry("extra")]); // prettier-ignore
    const { volumes } = compareInventories(settled, back);
    expect(volumes.differing.map(({ path, what }) => `${path} ${what}`)).toEqual(["still content", "tmp mode", "extra unexpected"]); // prettier-ignore
  });

  test("a volume that one look alone saw is in motion as a whole", () => {
    const both = settleInventories(inventory({ volumes: [] }), inventory());
    expect(compareInventories(both, inventory())).toMatchObject({
      equal: false,
      reason: "no file was compared",
    });
  });
});

/** Random trees: parents before children, some files, folders and symlinks with any metadata. */
const name = fc
  .string({ unit: "binary", minLength: 1, maxLength: 6 })
  .map((text) => text.replaceAll(/[/\0]/g, "_"));
const metadata = fc.record({
  mode: fc.integer({ min: 0, max: 0o7777 }).map((mode) => mode.toString(8).padStart(4, "0")),
  uid: fc.nat(),
  gid: fc.nat(),
  mtime: fc.bigInt({ min: 0n, max: 2n ** 62n }).map(String),
});
const hash = fc.string({
  unit: fc.constantFrom(..."0123456789abcdef".split("")),
  minLength: 64,
  maxLength: 64,
});
const tree = fc
  .uniqueArray(
    fc.tuple(fc.array(name, { minLength: 1, maxLength: 4 }), metadata, fc.constantFrom("file", "directory", "symlink"), hash, fc.nat()),
    { maxLength: 12, selector: ([path]) => path.join("/") },
  )
  .map((things) => [
    folder("."),
    entry("anchor"),
    ...things.map(([path, of, type, sha256, size]) => {
      const own = type === "file" ? { sha256, size } : type === "symlink" ? { target: sha256, sha256: "", size: 0 } : { sha256: "", size: 0 };
      return entry(`x${path.join("/")}`, { type: type as Entry["type"], ...of, ...own });
    }),
  ]); // prettier-ignore

const MUTATIONS: [what: string, of: Entry["type"][], mutate: (one: Entry) => Entry][] = [
  ["size", ["file"], (one) => ({ ...one, size: one.size + 1, sha256: "f".repeat(64) })],
  ["content", ["file"], (one) => ({ ...one, sha256: one.sha256.replace(/^./, (digit) => (digit === "0" ? "1" : "0")) })],
  ["mode", ["file", "directory"], (one) => ({ ...one, mode: one.mode === "0644" ? "0645" : "0644" })],
  ["owner", ["file", "directory", "symlink"], (one) => ({ ...one, uid: one.uid + 1 })],
  ["owner", ["file", "directory", "symlink"], (one) => ({ ...one, gid: one.gid + 1 })],
  ["mtime", ["file"], (one) => ({ ...one, mtime: `${one.mtime}1` })],
  ["target", ["symlink"], (one) => ({ ...one, target: `${one.target}/` })],
  ["type", ["file", "directory", "symlink"], (one) => ({ ...one, type: one.type === "file" ? "directory" : "file" })],
]; // prettier-ignore

const told = (a: Entry[], b: Entry[]) =>
  compareVolumes([volume(a)], [volume(b)]).differing.map(({ path, what }) => [path, what]);

describe("any tree", () => {
  test("is equal to itself in any order, and any one change of it is found and named, alone", () => {
    fc.assert(
      fc.property(tree, fc.nat(), fc.constantFrom(...MUTATIONS), (entries, pick, [what, of, mutate]) => {
        expect(compareVolumes([volume(entries)], [volume([...entries].reverse())]).differing).toEqual([]);
        const meant = entries.filter(({ type }) => of.includes(type));
        const one = meant[pick % meant.length];
        if (one === undefined) return;
        const changed = entries.map((each) => (each === one ? mutate(each) : each));
        const { differing } = compareVolumes([volume(entries)], [volume(changed)]);
        expect(differing.map((row) => [row.path, row.what])).toEqual([[one.path, what]]);
      }),
      { numRuns: 500 },
    );
  });

  test("that lost or won one entry says which", () => {
    fc.assert(
      fc.property(tree, fc.nat(), (entries, pick) => {
        const one = entries[pick % entries.length];
        const rest = entries.filter((each) => each !== one);
        expect(told(entries, rest)).toEqual([[one?.path, "missing"]]);
        expect(told(rest, entries)).toEqual([[one?.path, "unexpected"]]);
      }),
      { numRuns: 300 },
    );
  });
});
