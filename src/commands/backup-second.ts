import { COMPLETE, type Generation, generationsOf } from "../backup/second-line.ts";
import { EXIT, UserError } from "../output/errors.ts";
import { type Bucket, listObjects } from "../tools/s3/s3.ts";
import { VELERO_FOLDER } from "../tools/velero/bucket.ts";

/** The copies of the volumes' backups that were ever complete, newest first; `days` as `secondLineDays` has it. */
export async function listGenerations(bucket: Bucket, days: number): Promise<Generation[]> {
  return generationsOf(await listObjects(bucket, COMPLETE), days, new Date());
}

/**
 * What a BackupStorageLocation of Velero's begins with in the bucket, to restore from the second line: of the generation that is
 * named, else of the newest. It has to be read-only: docs/volumes.md, "When the first line is lost".
 */
export async function secondLinePrefix(bucket: Bucket, generation?: string): Promise<string> {
  // Which are there does not depend on how long they are locked.
  const all = (await listGenerations(bucket, 0)).map(({ name }) => name);
  const found = generation === undefined ? all[0] : all.find((name) => name === generation);
  if (found !== undefined) return `second/${found}/${VELERO_FOLDER}`;
  throw new UserError(
    {
      what: `the bucket ${bucket.name} has no complete copy of the volumes' backups${generation === undefined ? "" : ` ${generation}`}`,
      why: all.length === 0 ? "nothing is below second/complete/" : `there are: ${all.join(", ")}`,
      fix: "infra-k3s status tells whether they are copied",
    },
    generation === undefined ? EXIT.failed : EXIT.usage,
  );
}
