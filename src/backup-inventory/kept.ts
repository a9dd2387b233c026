import type { Entry } from "./inventory.ts";

/** What of an entry can differ. */
export interface Aspect {
  what: "type" | "target" | "size" | "content" | "mode" | "owner" | "mtime" | "links" | "xattrs";
  of: readonly Entry["type"][];
  read: (entry: Entry) => string;
}

const ANY = ["file", "directory", "symlink"] as const;

/**
 * What Velero's file-system backup brings back, in the order in which it is told; a difference of what stands first explains
 * those that follow. Kopia writes and then sets owner, mode and times: `setAttributes` in its snapshot/restore/local_fs_output.go.
 * Velero has it pass over what is not permitted (velero-io/velero#10040), so owner and mode are looked at, not believed.
 */
export const KEPT: readonly Aspect[] = [
  { what: "type", of: [...ANY, "fifo", "socket", "device"], read: ({ type }) => type },
  { what: "target", of: ["symlink", "device"], read: ({ target }) => target },
  { what: "size", of: ["file"], read: ({ size }) => String(size) },
  { what: "content", of: ["file"], read: ({ sha256 }) => sha256 },
  { what: "mode", of: ["file", "directory", "fifo", "socket", "device"], read: ({ mode }) => mode },
  { what: "owner", of: [...ANY, "fifo", "socket", "device"], read: ({ uid, gid }) => `${uid}:${gid}` },
  { what: "mtime", of: ["file"], read: ({ mtime }) => mtime },
];

/** What it does not bring back: compared only where the volume itself survived. */
export const NOT_KEPT: readonly (Aspect & { why: string })[] = [
  {
    what: "mtime",
    of: ["directory", "symlink"],
    read: ({ mtime }) => mtime,
    why: "a folder's changes with every temporary file in it, and with Velero's own at the root; a symlink's comes back without its nanoseconds",
  },
  {
    what: "links",
    of: ["file"],
    read: ({ links }) => String(links),
    why: "Kopia restores each name as a file of its own (kopia/kopia#544)",
  },
  {
    what: "xattrs",
    of: ["file", "directory"],
    read: ({ xattrs }) => xattrs,
    why: "Kopia saves no extended attributes, so no access lists and no capabilities (kopia/kopia#544)",
  },
];

/** Entries that are neither missing nor unexpected after a restore. */
export const PASSED_OVER: readonly { is: (entry: Entry) => boolean; why: string }[] = [
  {
    is: ({ type }) => type === "fifo" || type === "socket" || type === "device",
    why: "Velero has Kopia ignore what is no file, folder or symlink; programs make their sockets and pipes anew",
  },
  {
    is: ({ path }) => path === ".velero" || path.startsWith(".velero/"),
    why: "Velero puts it into a volume that it restores, to say that it is done",
  },
];
