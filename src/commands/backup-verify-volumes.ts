import { readInventory, listInventories } from "../backup-inventory/store.ts";
import { FORMAT_BLOB } from "../backup/kopia.ts";
import { EXIT, type ExitCode, UserError } from "../output/errors.ts";
import type { Io } from "../output/io.ts";
import { size, table } from "../output/table.ts";
import { VELERO_PASSWORD } from "../recovery-kit/contents.ts";
import { readLock } from "../tools/downloads/lock.ts";
import { type Bucket, listObjects } from "../tools/s3/s3.ts";
import { ensureSops } from "../tools/sops/install.ts";
import type { VolumeBackup } from "../tools/velero/bucket.ts";
import { objectsOf, repositoryFault, repositoryKey, volumesOf } from "./backup-volumes.ts";
import type { BackupVerifyOptions } from "./backup-verify.ts";
import type { Cluster } from "./cluster.ts";
import { repositoryPassword } from "./recovery-kit-contents.ts";
import { openKit, recoveryKeys } from "./recovery-kit-verify.ts";

interface Looked {
  name: string;
  ok: boolean;
  /** What was seen, or what is wrong. */
  reason: string;
}

/** The shape of `backup verify NAME --json` of a backup of the volumes. */
export interface VolumesVerify {
  ok: boolean;
  name: string;
  at: string;
  checks: Looked[];
}

/** Reads what a backup of the volumes is made of, and says of each part whether it is there and whole. Writes nothing. */
export async function verifyVolumes(
  cluster: Cluster,
  bucket: Bucket,
  backup: VolumeBackup,
  options: BackupVerifyOptions,
  io: Io,
): Promise<ExitCode> {
  io.err(`reading ${backup.name}\n`);
  const { name, at, phase } = backup;
  const checks: Looked[] = [{ name: "phase", ok: phase === "Completed", reason: phase }];
  checks.push(
    await attempt("objects", async () => {
      const { objects, namespaces } = await objectsOf(bucket, name);
      return `${objects} of ${namespaces.length} namespaces, each read`;
    }),
    ...(await volumeChecks(cluster, bucket, backup, options)),
    await attempt("inventory", () => inventoryCheck(bucket, name, options.identity)),
  );
  const verified: VolumesVerify = { ok: checks.every(({ ok }) => ok), name, at, checks };
  io.out(options.json ? `${JSON.stringify(verified)}\n` : describe(verified));
  return verified.ok ? EXIT.ok : EXIT.failed;
}

async function attempt(name: string, look: () => Promise<string>): Promise<Looked> {
  try {
    return { name, ok: true, reason: await look() };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    const { what, why } = error.fault;
    return { name, ok: false, reason: why === undefined ? what : `${what}: ${why}` };
  }
}

/** Each volume has an id in its namespace's repository, which is there and opens. */
async function volumeChecks(
  cluster: Cluster,
  bucket: Bucket,
  { name }: VolumeBackup,
  options: BackupVerifyOptions,
): Promise<Looked[]> {
  const volumes = await volumesOf(bucket, name);
  const saved = volumes.map(({ name: volume, phase, snapshot }) => ({
    name: `volume ${volume}`,
    ok: phase === "Completed" && snapshot !== "",
    reason: snapshot === "" ? `${phase}, without a snapshot of Kopia's` : `${phase}, Kopia's snapshot ${snapshot}`,
  })); // prettier-ignore
  const namespaces = [...new Set(volumes.map(({ namespace }) => namespace))];
  if (namespaces.length === 0) return saved;
  const password = await passwordFor(cluster, options);
  const repositories = await Promise.all(
    namespaces.map((namespace) =>
      attempt(`repository ${namespace}`, () => repositoryCheck(bucket, namespace, password)),
    ),
  );
  return [...saved, ...repositories];
}

/** The kit's, else that of git where it can be opened here; else why it is not tried. */
async function passwordFor(
  cluster: Cluster,
  { kit, identity }: BackupVerifyOptions,
): Promise<{ password: string } | { untried: string }> {
  if (kit !== undefined) {
    const password = (await openKit(kit, identity)).entries.get(VELERO_PASSWORD);
    return password === undefined ? { untried: "the recovery kit has no password" } : { password };
  }
  try {
    const program = await ensureSops(readLock(cluster.root));
    return { password: await repositoryPassword({ root: cluster.root, program }) };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return { untried: error.fault.what };
  }
}

/** Kopia never writes an empty object, and what it lists of its packs opens with its own keys alone: that is left to a restore. */
async function repositoryCheck(
  bucket: Bucket,
  namespace: string,
  given: { password: string } | { untried: string },
): Promise<string> {
  const objects = await listObjects(bucket, repositoryKey(namespace, ""));
  const empty = objects.filter(({ bytes }) => bytes === 0).map(({ key }) => key);
  const count = (kind: string) => objects.filter(({ key }) => key.startsWith(repositoryKey(namespace, kind))).length; // prettier-ignore
  const missing = [FORMAT_BLOB, "p", "q", "x"].filter((kind) => count(kind) === 0);
  if (missing.length > 0 || empty.length > 0) {
    throw new UserError({
      what: `the repository of ${namespace} is not whole`,
      why: [...missing.map((kind) => `there is nothing of ${repositoryKey(namespace, kind)}`), ...empty.map((key) => `${key} is empty`)].join("; "), // prettier-ignore
    });
  }
  const all = `${objects.length} objects, ${size(objects.reduce((sum, { bytes }) => sum + bytes, 0))}`;
  if ("untried" in given) return `${all}; the password was not tried: ${given.untried}`;
  const fault = await repositoryFault(bucket, namespace, given.password);
  if (fault !== undefined) throw new UserError({ what: `the repository of ${namespace} does not open`, why: fault }); // prettier-ignore
  return `${all}; it opens with the password`;
}

async function inventoryCheck(bucket: Bucket, name: string, identity: string | undefined): Promise<string> {
  if (!(await listInventories(bucket)).includes(name)) return "none: only `backup create` takes one";
  if (identity === undefined) return "there; not opened without --identity FILE";
  const { objects, volumes } = await readInventory(bucket, name, await recoveryKeys(identity));
  const files = volumes.flatMap(({ entries }) => entries).filter(({ type }) => type === "file");
  return `${objects.length} objects, ${files.length} files of ${volumes.length} volumes`;
}

function describe({ name, at, checks }: VolumesVerify): string {
  const rows = checks.map((one) => [one.name, one.ok ? "good" : "BROKEN", one.reason]);
  return `${name}, begun ${at}\n${table(["PART", "STATE", "SEEN"], rows)}`;
}
