import { nameOf } from "./compare.ts";
import type { Entry, Inventory, InventoryObject, Volume } from "./inventory.ts";
import { KEPT } from "./kept.ts";

/**
 * What a backup must hold that was made between two looks at a cluster that goes on working: what both saw alike. What was
 * written, came or went between them is marked, since nobody can say in which state the backup has it.
 */
export function settleInventories(before: Inventory, after: Inventory): Inventory {
  const later = new Map(after.volumes.map((volume) => [volume.name, volume]));
  const earlier = new Set(before.volumes.map(({ name }) => name));
  return {
    ...before,
    volumes: [
      ...before.volumes.map((volume) => settleVolume(volume, later.get(volume.name))),
      ...after.volumes
        .filter(({ name }) => !earlier.has(name))
        .map((volume) => settleVolume(volume, undefined)),
    ],
    objects: settleObjects(before.objects, after.objects),
  };
}

/** Of a volume that only one look saw, everything is in motion. */
function settleVolume(volume: Volume, after: Volume | undefined): Volume {
  if (after !== undefined && after.problem !== "")
    return { ...volume, problem: volume.problem || after.problem };
  const later = new Map(after?.entries.map((entry) => [entry.path, entry]));
  const earlier = new Set(volume.entries.map(({ path }) => path));
  const entries = volume.entries.map((entry) => settleEntry(entry, later.get(entry.path)));
  const came = [...later.values()].filter(({ path }) => !earlier.has(path)).map(changed);
  return { ...volume, entries: [...entries, ...came] };
}

function settleEntry(entry: Entry, after: Entry | undefined): Entry {
  if (entry.problem !== "") return entry;
  const isSame = after !== undefined && after.problem === "" && KEPT.every(({ read, of }) => !of.includes(entry.type) || read(entry) === read(after)); // prettier-ignore
  if (!isSame) return changed(entry);
  return entry.type === "directory" && entry.mtime !== after.mtime ? { ...entry, problem: "busy" } : entry;
}

const changed = (entry: Entry): Entry => ({ ...entry, problem: "changed" });

function settleObjects(
  before: readonly InventoryObject[],
  after: readonly InventoryObject[],
): InventoryObject[] {
  const later = new Map(after.map((object) => [nameOf(object), object]));
  const earlier = new Set(before.map(nameOf));
  return [
    ...before.map((object) => ({
      ...object,
      isChanging: object.isChanging || later.get(nameOf(object))?.sha256 !== object.sha256,
    })),
    ...after
      .filter((object) => !earlier.has(nameOf(object)))
      .map((object) => ({ ...object, isChanging: true })),
  ];
}
