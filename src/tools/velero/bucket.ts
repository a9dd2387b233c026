import { gunzipSync } from "node:zlib";
import { z } from "zod";
import { type Bucket, listObjects, readObject } from "../s3/s3.ts";

/** Where the location of Velero begins in the bucket: `src/render/kubernetes/volumes.ts`. */
export const VELERO_FOLDER = "velero";
const BACKUPS = `${VELERO_FOLDER}/backups/`;

export interface VolumeBackup {
  name: string;
  /** When it was begun. */
  at: string;
  /** Null: never. */
  expires: string | null;
  phase: string;
  errors: number;
  warnings: number;
}

const BackupSchema = z.object({
  metadata: z.object({ name: z.string(), creationTimestamp: z.string() }),
  status: z
    .object({
      phase: z.string().default(""),
      startTimestamp: z.string().nullish(),
      expiration: z.string().nullish(),
      errors: z.int().default(0),
      warnings: z.int().default(0),
    })
    .default({ phase: "", errors: 0, warnings: 0 }),
});

/** The key of an object that belongs to a backup: `velero-backup.json`, `NAME.tar.gz`, … */
export function volumeBackupKey(name: string, file: string): string {
  return `${BACKUPS}${name}/${file}`;
}

/** Backups as the bucket has them, newest first; with every server gone, too. What can't be read has the phase `Unreadable`. */
export async function listVolumeBackups(bucket: Bucket): Promise<VolumeBackup[]> {
  const objects = await listObjects(bucket, BACKUPS);
  const names = new Map<string, string>();
  for (const { key, modified } of objects) {
    const [name = "", file] = key.slice(BACKUPS.length).split("/");
    // Beside it are its contents and its logs; it comes last.
    if (file === "velero-backup.json" || !names.has(name)) names.set(name, modified);
  }
  const found: VolumeBackup[] = [];
  const wanted = [...names];
  for (let at = 0; at < wanted.length; at += AT_ONCE) {
    const some = wanted.slice(at, at + AT_ONCE);
    found.push(...(await Promise.all(some.map(([name, modified]) => read(bucket, name, modified)))));
  }
  return found.toSorted((a, b) => b.at.localeCompare(a.at));
}
const AT_ONCE = 16;

/** As `listVolumeBackups`, of one; undefined where there is none of that name. */
export async function readVolumeBackup(bucket: Bucket, name: string): Promise<VolumeBackup | undefined> {
  if (name === "" || name.includes("/")) return undefined;
  const bytes = await readObject(bucket, volumeBackupKey(name, "velero-backup.json"));
  return bytes === undefined ? undefined : parseVolumeBackup(bytes);
}

async function read(bucket: Bucket, name: string, modified: string): Promise<VolumeBackup> {
  const bytes = await readObject(bucket, volumeBackupKey(name, "velero-backup.json"));
  return (bytes === undefined ? undefined : parseVolumeBackup(bytes)) ?? unreadable(name, modified);
}

/** What a `velero-backup.json` says; undefined where it can't be read. */
export function parseVolumeBackup(bytes: Uint8Array): VolumeBackup | undefined {
  const parsed = BackupSchema.safeParse(jsonOf(bytes));
  if (!parsed.success) return undefined;
  const { metadata, status } = parsed.data;
  const { phase, errors, warnings, startTimestamp, expiration } = status;
  const at = new Date(startTimestamp ?? metadata.creationTimestamp).toISOString();
  const expires = expiration === null || expiration === undefined ? null : new Date(expiration).toISOString();
  return { name: metadata.name, at, expires, phase, errors, warnings };
}

function unreadable(name: string, modified: string): VolumeBackup {
  return { name, at: modified, expires: null, phase: "Unreadable", errors: 0, warnings: 0 };
}

/** JSON, compressed or not: Velero compresses what it lists, and not the Backup itself. Undefined where it is neither. */
export function jsonOf(bytes: Uint8Array): unknown {
  try {
    const isGzip = bytes[0] === 0x1f && bytes[1] === 0x8b;
    return JSON.parse(new TextDecoder().decode(isGzip ? gunzipSync(bytes) : bytes)) as unknown;
  } catch {
    return undefined;
  }
}
