import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { masterOf } from "../config/model.ts";
import { UserError } from "../output/errors.ts";
import { type ClusterContext, targetOf } from "../stages/context.ts";
import { runPython } from "../tools/ssh/python.ts";
import { sshVerdict } from "../tools/ssh/ssh.ts";
import { hashedState, type KubernetesObject } from "./canonical.ts";
import { placesOf, type VolumePlace } from "./claims.ts";
import { InventoryReader } from "./format.ts";
import { imagesOf } from "./images.ts";
import { INVENTORY_FORMAT, type Inventory, type Volume } from "./inventory.ts";
import { LEFT_OUT_KINDS } from "./left-out.ts";

const FILES = readFileSync(join(import.meta.dirname, "files.py"), "utf8");
const OBJECTS = readFileSync(join(import.meta.dirname, "objects.py"), "utf8");
const OBJECTS_MS = 5 * 60_000;
const FILES_MS = 4 * 60 * 60_000;

export interface InventoryAbout {
  /** The backup or snapshot it belongs to. */
  backup: string;
  commit: string;
  /** That of the inventory this one is to be compared with; without it a new one is drawn. */
  key?: string | undefined;
  /** Where it is compared for these alone, the volumes of no other are read. */
  namespaces?: readonly string[] | undefined;
}

type Reach = Pick<ClusterContext, "root" | "model" | "servers" | "secrets">;

/**
 * What a cluster holds now: every object, one round trip to the master, and every file of every volume, one to each node that
 * has some, all nodes at once. Reads only. A node that can't be reached costs its volumes (`problem`), not the inventory.
 *
 * Of a cluster that works, take one before the backup and one after it, with the first one's key, and keep what
 * `settleInventories` makes of both.
 */
export async function takeInventory(
  context: Reach,
  about: InventoryAbout,
  now: () => Date = () => new Date(),
): Promise<Inventory> {
  const key = about.key ?? randomBytes(32).toString("hex");
  const made = now().toISOString();
  const { objects, version } = await takeObjects(context, key);
  const { places: all, leftOut } = placesOf(objects);
  const isWanted = ({ name }: VolumePlace) =>
    about.namespaces?.includes(name.slice(0, name.indexOf("/"))) ?? true;
  const places = all.filter(isWanted);
  const nodes = [...new Set(places.map(({ node }) => node))];
  const volumes = await Promise.all(
    nodes.map((node) => takeVolumes(context, node, places.filter((place) => place.node === node))),
  ); // prettier-ignore
  const { backup, commit } = about;
  return {
    header: {
      format: INVENTORY_FORMAT,
      cluster: context.model.name,
      commit,
      backup,
      made,
      k3s: version,
      images: imagesOf(objects),
      key,
    },
    leftOut,
    volumes: volumes.flat(),
    objects: objects.map(hashedState).filter((object) => object !== undefined),
  };
}

/** What `objects.py` does not even ask for; of the volumes it has to say where they are. */
const WITHOUT = LEFT_OUT_KINDS.filter(({ kind }) => kind !== "PersistentVolume").map(({ group, resource }) =>
  group === "" ? resource : `${resource}.${group}`,
);

async function takeObjects(
  context: Reach,
  key: string,
): Promise<{ objects: KubernetesObject[]; version: string }> {
  const target = targetOf(context, masterOf(context.model));
  if (target === undefined)
    throw new UserError({ what: "the master has no server in servers.json", fix: "infra-k3s up" });
  const objects: KubernetesObject[] = [];
  let version = "";
  let isWhole = false;
  const { exitCode, stderr, timedOut } = await runPython(
    target,
    OBJECTS,
    { key, without: WITHOUT },
    {
      timeout: OBJECTS_MS,
      linesOnly: true,
      onLine: (line) => {
        const told = JSON.parse(line) as { k3s?: string; object?: KubernetesObject; end?: number };
        if (told.k3s !== undefined) version = told.k3s;
        if (told.object !== undefined) objects.push(told.object);
        if (told.end !== undefined) isWhole = told.end === objects.length;
      },
    },
  );
  if (exitCode === 0 && isWhole) return { objects, version };
  if (exitCode === 255)
    throw new UserError({ what: "the master can't be reached by SSH", ...sshVerdict(stderr, target) });
  throw new UserError({
    what: "the cluster's objects could not be read",
    why: timedOut ? `no end after ${OBJECTS_MS / 60_000} min` : stderr.trim() || "the master broke off",
    fix: "infra-k3s status",
  });
}

async function takeVolumes(context: Reach, node: string, places: readonly VolumePlace[]): Promise<Volume[]> {
  const declared = context.model.nodes.find(({ name }) => name === node);
  const target = declared === undefined ? undefined : targetOf(context, declared);
  const unseen = (problem: string) => places.map(({ name }) => ({ name, node, problem, entries: [] }));
  if (target === undefined) return unseen(`${node} has no server in servers.json`);
  const reader = new InventoryReader();
  let isReadable = true;
  const onLine = (line: string) => {
    try {
      reader.take(line);
    } catch {
      isReadable = false;
      return "enough";
    }
  };
  const options = { timeout: FILES_MS, linesOnly: true, onLine };
  const { exitCode, stderr, timedOut } = await runPython(target, FILES, { volumes: places }, options);
  if (exitCode === 255) return unseen(`${node} can't be reached by SSH: ${sshVerdict(stderr, target).why}`);
  if (!isReadable) return unseen(`${node} says what can't be read`);
  if (exitCode !== 0 || !reader.isWhole()) {
    const why = timedOut
      ? `no end after ${FILES_MS / 3_600_000} h`
      : (stderr.trim().split("\n").at(-1) ?? "");
    return unseen(`${node} broke off: ${why}`);
  }
  const said = new Map(reader.volumes.map((volume) => [volume.name, volume]));
  return unseen(`${node} said nothing of it`).map((none) => ({ ...(said.get(none.name) ?? none), node }));
}
