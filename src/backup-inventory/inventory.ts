import { z } from "zod";

/** Raised only when a file of before could be misread. */
export const INVENTORY_FORMAT = 1;

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);

/** What is in a volume, as `files.py` prints it. */
export const EntrySchema = z.object({
  /** From the volume's root, which is `.`; what is not UTF-8 is lone surrogates, byte 0xFF for one U+DCFF. */
  path: z.string(),
  /** `unknown`: it could not be looked at. */
  type: z.enum(["file", "directory", "symlink", "fifo", "socket", "device", "unknown"]),
  /** Four octal digits, set-user-id and the like among them. */
  mode: z.string().default(""),
  uid: z.int().default(-1),
  gid: z.int().default(-1),
  /** Nanoseconds since 1970. */
  mtime: z.string().default(""),
  size: z.int().default(0),
  sha256: z.union([sha256, z.literal("")]).default(""),
  /** Where a symlink leads; which device it is. */
  target: z.string().default(""),
  /** How many names a file has. */
  links: z.int().default(1),
  /** One hash of all extended attributes; empty: it has none. */
  xattrs: z.string().default(""),
  /**
   * Why it can't be compared: written, gone or read wrongly while it was looked at, or another file system's. `busy`: a
   * folder in which something came or went.
   */
  problem: z.enum(["", "changed", "vanished", "unreadable", "mounted", "busy"]).default(""),
  why: z.string().default(""),
});

export type Entry = z.output<typeof EntrySchema>;

const VolumeSchema = z.object({
  /** `NAMESPACE/CLAIM`: a restored volume has another name and path. */
  name: z.string(),
  node: z.string(),
  /** Why nothing of it is known; empty: all is. */
  problem: z.string(),
});

export interface Volume extends z.output<typeof VolumeSchema> {
  entries: Entry[];
}

/** An object as a restore must bring it back, of which nothing but hashes is kept. */
const ObjectSchema = z.object({
  group: z.string(),
  kind: z.string(),
  /** Empty for what is in none. */
  namespace: z.string(),
  name: z.string(),
  sha256,
  /** The beginnings of its fields' hashes, to say which of them differ. */
  fields: z.record(z.string(), z.string()),
  /** It was written while the backup was made. */
  isChanging: z.boolean().default(false),
});

export type InventoryObject = z.output<typeof ObjectSchema>;

export const HeaderSchema = z.object({
  format: z.literal(INVENTORY_FORMAT),
  cluster: z.string(),
  /** The commit of the cluster's repository. */
  commit: z.string(),
  /** The backup or snapshot that it belongs to. */
  backup: z.string(),
  /** When it was begun; after that time nothing that was written need be in it. */
  made: z.iso.datetime(),
  /** What the API server says of itself. */
  k3s: z.string(),
  /** What its pods ran: as they name it, and `sha256:…`, empty where the node does not say. A drill has no other registry. */
  images: z.array(z.object({ name: z.string(), digest: z.string() })).default([]),
  /** What the values of Secrets are hashed with: both sides of a comparison need the same. Hex. */
  key: z.string().regex(/^[0-9a-f]{64}$/),
});

export type Header = z.output<typeof HeaderSchema>;

/** A volume that no file-system backup has, and why. */
const LeftOutSchema = z.object({ name: z.string(), why: z.string() });

export interface Inventory {
  header: Header;
  volumes: Volume[];
  leftOut: z.output<typeof LeftOutSchema>[];
  objects: InventoryObject[];
}

/** A line of an inventory's file; which it is, its only key says. */
export const LineSchemas = {
  header: HeaderSchema,
  leftOut: LeftOutSchema,
  volume: VolumeSchema,
  entry: EntrySchema,
  object: ObjectSchema,
  /** How many lines there are before it: a file that ends without is not whole. */
  end: z.int(),
} as const;
