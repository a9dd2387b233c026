import { FORMAT_BLOB, openFormat } from "../backup/kopia.ts";
import { readObjects, type SavedObjects, type SavedVolume, savedVolumes } from "../backup/volume-backup.ts";
import { EXIT, UserError } from "../output/errors.ts";
import { type Bucket, headObject, readObject, readRange } from "../tools/s3/s3.ts";
import { jsonOf, listVolumeBackups, VELERO_FOLDER, type VolumeBackup, volumeBackupKey } from "../tools/velero/bucket.ts"; // prettier-ignore

/** The volumes' backups as they lie in the bucket: no server is asked. */

/** Where Kopia's repository of a namespace's volumes lies. */
export function repositoryKey(namespace: string, blob: string): string {
  return `${VELERO_FOLDER}/kopia/${namespace}/${blob}`;
}

/** One that Velero calls Completed; of no other can it be said that everything is in it. */
export async function completedBackup(bucket: Bucket, name: string): Promise<VolumeBackup> {
  const all = await listVolumeBackups(bucket);
  const found = all.find((one) => one.name === name);
  if (found?.phase === "Completed") return found;
  const good = all.filter(({ phase }) => phase === "Completed").slice(0, 3);
  throw new UserError(
    {
      what: found === undefined ? `there is no backup ${name} of the volumes in the bucket ${bucket.name}` : `the backup ${name} is ${found.phase}`,
      why: good.length === 0 ? "none there is Completed" : `the newest that are Completed: ${good.map((one) => one.name).join(", ")}`,
      fix: "infra-k3s backup list",
    },
    EXIT.usage,
  ); // prettier-ignore
}

/** Every object that a backup has, read to the archive's last byte. */
export async function objectsOf(bucket: Bucket, name: string): Promise<SavedObjects> {
  const key = volumeBackupKey(name, `${name}.tar.gz`);
  const head = await headObject(bucket, key);
  if (head === undefined) throw broken(name, key, "it is not there");
  try {
    return await readObjects(readRange(bucket, key, 0, head.bytes));
  } catch (error) {
    throw broken(name, key, error);
  }
}

/** The volumes that a backup has; none in a backup without a volume. */
export async function volumesOf(bucket: Bucket, name: string): Promise<SavedVolume[]> {
  const key = volumeBackupKey(name, `${name}-podvolumebackups.json.gz`);
  const bytes = await readObject(bucket, key);
  if (bytes === undefined) return [];
  try {
    return savedVolumes(jsonOf(bytes));
  } catch (error) {
    throw broken(name, key, error);
  }
}

function broken(name: string, key: string, error: unknown): UserError {
  if (error instanceof UserError) return error;
  const why = error instanceof Error ? error.message : String(error);
  return new UserError({ what: `the backup ${name} is broken: ${key}`, why, fix: "take another one: infra-k3s backup list" }); // prettier-ignore
}

/** Why a namespace's repository does not open with the password: Velero would find out when everything is deleted. */
export async function repositoryFault(
  bucket: Bucket,
  namespace: string,
  password: string,
): Promise<string | undefined> {
  const key = repositoryKey(namespace, FORMAT_BLOB);
  const blob = await readObject(bucket, key);
  if (blob === undefined) return `${key} is not in the bucket: Velero would begin an empty repository`;
  try {
    if (openFormat(blob, password) !== undefined) return undefined;
    return `${key} was made with another password`;
  } catch (error) {
    return `${key}: ${error instanceof Error ? error.message : String(error)}`;
  }
}
