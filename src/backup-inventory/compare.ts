import type { Entry, Inventory, InventoryObject, Volume } from "./inventory.ts";
import { type Aspect, KEPT, NOT_KEPT, PASSED_OVER } from "./kept.ts";

export interface FileDifference {
  /** `NAMESPACE/CLAIM` */
  volume: string;
  /** Empty: the volume as a whole. */
  path: string;
  what: Aspect["what"] | "missing" | "unexpected" | "unread";
  expected: string;
  found: string;
}

/** `volumes` of `drill --json`. */
export interface VolumesComparison {
  /** Files that are on both sides and were read on both. */
  filesCompared: number;
  bytesCompared: number;
  differing: FileDifference[];
  /** Entries that were written while the backup was made: what is in it of them, nobody can say. */
  unsettled: number;
}

export interface ObjectDifference {
  group: string;
  kind: string;
  namespace: string;
  name: string;
  what: "missing" | "unexpected" | "changed";
  /** Which of a changed object's fields. */
  fields: string[];
}

/** `objects` of `drill --json`. */
export interface ObjectsComparison {
  /** Objects that are on both sides. */
  compared: number;
  differing: ObjectDifference[];
  /** Objects that were written while the backup was made. */
  unsettled: number;
}

export interface Comparison {
  /** Everything expected is there as it was, and there was something to compare. */
  equal: boolean;
  /** Why nothing else than a difference makes it unequal; empty where that is not so. */
  reason: string;
  objects: ObjectsComparison;
  volumes: VolumesComparison;
  /** Volumes that no file-system backup has, and why. */
  leftOut: Inventory["leftOut"];
}

export interface CompareOptions {
  /** The volumes were not restored but survived: what no backup keeps is compared, too. */
  survived?: boolean;
}

/** What differs between what was saved and what came back. Nothing compared is never equal. */
export function compareInventories(
  expected: Inventory,
  found: Inventory,
  options: CompareOptions = {},
): Comparison {
  const objects = compareObjects(expected.objects, found.objects);
  const volumes = compareVolumes(expected.volumes, found.volumes, options);
  volumes.differing.push(...unseenClaims(expected));
  const reason = nothingCompared(expected, found, objects, volumes);
  const differing = objects.differing.length + volumes.differing.length;
  return { equal: differing === 0 && reason === "", reason, objects, volumes, leftOut: expected.leftOut };
}

/** Of an inventory only what is in these namespaces, for a restore of no more than them. */
export function within(inventory: Inventory, namespaces: readonly string[]): Inventory {
  const isIn = ({ name }: { name: string }) => namespaces.includes(name.slice(0, name.indexOf("/")));
  return {
    ...inventory,
    volumes: inventory.volumes.filter(isIn),
    leftOut: inventory.leftOut.filter(isIn),
    objects: inventory.objects.filter(({ kind, group, namespace, name }) =>
      kind === "Namespace" && group === "" ? namespaces.includes(name) : namespaces.includes(namespace),
    ),
  };
}

function nothingCompared(
  expected: Inventory,
  found: Inventory,
  { compared }: ObjectsComparison,
  { filesCompared }: VolumesComparison,
): string {
  if (expected.header.key !== found.header.key)
    return "the two were not taken with the same key: Secrets can't be compared";
  if (expected.objects.length === 0) return "no object was expected: the inventory is empty";
  if (compared === 0) return "no object was compared";
  const files = expected.volumes.flatMap(({ entries }) => entries).filter(({ type }) => type === "file");
  if (files.length > 0 && filesCompared === 0) return "no file was compared";
  return "";
}

/** Claims that the inventory has an object of, and no volume. */
function unseenClaims({ objects, volumes, leftOut }: Inventory): FileDifference[] {
  const seen = new Set([...volumes, ...leftOut].map(({ name }) => name));
  return objects
    .filter(({ kind, group }) => kind === "PersistentVolumeClaim" && group === "")
    .map(({ namespace, name }) => `${namespace}/${name}`)
    .filter((claim) => !seen.has(claim))
    .map((volume) => whole(volume, "unread", "its files", "it was not looked at when the backup was made"));
}

export function compareVolumes(
  expected: readonly Volume[],
  found: readonly Volume[],
  options: CompareOptions = {},
): VolumesComparison {
  const result: VolumesComparison = { filesCompared: 0, bytesCompared: 0, differing: [], unsettled: 0 };
  const others = new Map(found.map((volume) => [volume.name, volume]));
  for (const volume of expected) {
    const other = others.get(volume.name);
    others.delete(volume.name);
    const problem = volume.problem || other?.problem;
    if (other === undefined) result.differing.push(whole(volume.name, "missing", "a volume", ""));
    else if (problem !== undefined && problem !== "")
      result.differing.push(whole(volume.name, "unread", "its files", problem));
    else compareEntries(volume, other, options, result);
  }
  for (const name of others.keys()) result.differing.push(whole(name, "unexpected", "", "a volume"));
  return result;
}

function whole(
  volume: string,
  what: FileDifference["what"],
  expected: string,
  found: string,
): FileDifference {
  return { volume, path: "", what, expected, found };
}

function compareEntries(
  { name: volume, entries }: Volume,
  other: Volume,
  { survived = false }: CompareOptions,
  result: VolumesComparison,
): void {
  const isPassedOver = (entry: Entry) => !survived && PASSED_OVER.some(({ is }) => is(entry));
  const aspects = survived ? [...KEPT, ...NOT_KEPT] : KEPT;
  const before = new Map(entries.map((entry) => [entry.path, entry]));
  const after = new Map(other.entries.map((entry) => [entry.path, entry]));
  const differs = (path: string, what: FileDifference["what"], was: string, is: string) =>
    result.differing.push({ volume, path, what, expected: was, found: is });
  for (const [path, entry] of before) {
    const back = after.get(path);
    if (isUnsettled(entry)) result.unsettled++;
    else if (entry.problem === "unreadable" || entry.problem === "mounted")
      differs(path, "unread", problemOf(entry), "");
    else if (isPassedOver(entry)) continue;
    else if (back === undefined) differs(path, "missing", entry.type, "");
    else if (back.problem !== "" && back.problem !== "busy")
      differs(path, "unread", entry.type, problemOf(back));
    else {
      if (entry.type === "file" && back.type === "file") {
        result.filesCompared++;
        result.bytesCompared += entry.size;
      }
      for (const { what, read } of differences(entry, back, aspects))
        differs(path, what, read(entry), read(back));
    }
  }
  for (const [path, entry] of after) {
    if (before.has(path) || isPassedOver(entry)) continue;
    // Something came and went there while the backup was made: this may be part of it.
    if (isMoving(before.get(parentOf(path)))) result.unsettled++;
    else differs(path, "unexpected", "", entry.type);
  }
}

/** What follows from a difference is not told beside it. */
const IMPLIED: Partial<Record<Aspect["what"], readonly Aspect["what"][]>> = {
  type: ["target", "size", "content", "mode", "owner", "mtime", "links", "xattrs"],
  target: ["mtime"],
  size: ["content", "mtime"],
  content: ["mtime"],
};

function differences(entry: Entry, back: Entry, aspects: readonly Aspect[]): Aspect[] {
  const rows = aspects.filter(({ of, read }) => of.includes(entry.type) && read(entry) !== read(back));
  const implied = new Set(rows.flatMap(({ what }) => IMPLIED[what] ?? []));
  // A folder in which something came or went has another time, and its owner and mode all the same.
  if (entry.problem === "busy") implied.add("mtime");
  return rows.filter(({ what }) => !implied.has(what));
}

const isUnsettled = ({ problem }: Entry) => problem === "changed" || problem === "vanished";
const isMoving = (folder: Entry | undefined) =>
  folder?.problem === "busy" || folder?.problem === "changed" || folder?.problem === "vanished";
const problemOf = ({ problem, why }: Entry) => (why === "" ? problem : `${problem}: ${why}`);

/** Objects are the same when their hashes are: of those that are not, it says which fields. */
export function compareObjects(
  expected: readonly InventoryObject[],
  found: readonly InventoryObject[],
): ObjectsComparison {
  const result: ObjectsComparison = { compared: 0, differing: [], unsettled: 0 };
  const others = new Map(found.map((object) => [nameOf(object), object]));
  const differs = (object: InventoryObject, what: ObjectDifference["what"], fields: string[] = []) => {
    const { group, kind, namespace, name } = object;
    result.differing.push({ group, kind, namespace, name, what, fields });
  };
  for (const object of expected) {
    const back = others.get(nameOf(object));
    others.delete(nameOf(object));
    if (object.isChanging) result.unsettled++;
    else if (back === undefined) differs(object, "missing");
    else {
      result.compared++;
      if (object.sha256 !== back.sha256) differs(object, "changed", differingFields(object, back));
    }
  }
  for (const object of others.values()) differs(object, "unexpected");
  return result;
}

function differingFields({ fields }: InventoryObject, { fields: back }: InventoryObject): string[] {
  const names = [...new Set([...Object.keys(fields), ...Object.keys(back)])];
  return names.filter((name) => fields[name] !== back[name]).sort();
}

export const nameOf = ({ group, kind, namespace, name }: InventoryObject) =>
  [group, kind, namespace, name].join("/");

function parentOf(path: string): string {
  const slash = path.lastIndexOf("/");
  return slash === -1 ? "." : path.slice(0, slash);
}
