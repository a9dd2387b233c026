import { type Contents, inspect } from "../backup/contents.ts";
import { type Snapshot, tokenId } from "../backup/snapshot.ts";
import { EXIT, type ExitCode, UserError } from "../output/errors.ts";
import type { Io } from "../output/io.ts";
import { age, size, table } from "../output/table.ts";
import { tokensIn } from "../recovery-kit/contents.ts";
import { ensureAnsible } from "../tools/ansible/install.ts";
import type { Bucket } from "../tools/s3/s3.ts";
import { readVolumeBackup } from "../tools/velero/velero.ts";
import { type Listed, listSnapshots, noSuchSnapshot, openBackups, readSnapshot, sourceOf } from "./backup-place.ts"; // prettier-ignore
import { verifyVolumes } from "./backup-verify-volumes.ts";
import { type Cluster, type ClusterOption, openCluster } from "./cluster.ts";
import { vaultTokens } from "./recovery-kit-contents.ts";
import { openKit } from "./recovery-kit-verify.ts";

export interface BackupVerifyOptions extends ClusterOption {
  /** Default: the newest. */
  name?: string | undefined;
  /** A recovery kit whose tokens are tried, too. */
  kit?: string | undefined;
  /** A file with the recovery key's private half; default: stdin. */
  identity?: string | undefined;
  json: boolean;
}

/** Where the server token is that a snapshot opens with. */
export interface TokenHeld {
  /** Null: the snapshot does not say. */
  id: string | null;
  ok: boolean;
  /** Where it was found, or what was found instead. */
  reason: string;
}

/** The shape of `backup verify --json`. */
export interface BackupVerify {
  /** The one that was asked for is whole, and its token is at hand. */
  ok: boolean;
  name: string;
  /** Those that were read, the one that was asked for first. */
  checked: ({ name: string; at: string; bytes: number } & Contents)[];
  /** The newest that is whole, of the one asked for and those before it. */
  good: Snapshot | null;
  token: TokenHeld | null;
}

/** Reads a snapshot, or a backup of the volumes, to its last byte; where a snapshot is no good, those before it until one is. Writes nothing. */
export async function runBackupVerify(options: BackupVerifyOptions, io: Io): Promise<ExitCode> {
  const cluster = openCluster(options);
  const bucket = await openBackups(cluster);
  const volumes = await readVolumeBackup(bucket, options.name ?? "");
  if (volumes !== undefined) return verifyVolumes(cluster, bucket, volumes, options, io);
  const progress = (line: string) => io.err(`${line}\n`);
  const found = await findGood(bucket, options.name, progress);
  const token = found.good === null ? null : await findToken(cluster, found.good, options, progress);
  const whole = found.checked[0]?.ok === true;
  const verified: BackupVerify = { ok: whole && token?.ok === true, ...found, token };
  io.out(options.json ? `${JSON.stringify(verified)}\n` : describe(verified));
  if (!whole && found.good !== null) io.err(`${found.good.name} is good: take that one\n`);
  if (!whole && found.good === null)
    io.err("none of those that were read is good: infra-k3s backup create\n");
  return verified.ok ? EXIT.ok : EXIT.failed;
}

export type Found = Pick<BackupVerify, "name" | "checked" | "good">;

/** Begins at the named one, else at the newest, and goes back in time until one is whole. */
export async function findGood(
  bucket: Bucket,
  name: string | undefined,
  progress: (line: string) => void,
): Promise<Found> {
  const all = await listSnapshots(bucket);
  const first = name === undefined ? 0 : all.findIndex((one) => one.name === name);
  const wanted = all[first];
  if (wanted === undefined) throw name === undefined ? none(bucket) : noSuchSnapshot(bucket, name, all);
  const checked: BackupVerify["checked"] = [];
  for (const one of all.slice(first)) {
    const contents = await readWhole(bucket, one, progress);
    checked.push({ name: one.name, at: one.at, bytes: one.bytes, ...contents });
    if (!contents.ok) continue;
    const good = await readSnapshot(bucket, one.name);
    return { name: wanted.name, checked, good: good ?? null };
  }
  return { name: wanted.name, checked, good: null };
}

async function readWhole(bucket: Bucket, one: Listed, progress: (line: string) => void): Promise<Contents> {
  progress(`reading ${one.name} (${size(one.bytes)}, ${age(one.ageSeconds)} old)`);
  const contents = await inspect(sourceOf(bucket, one));
  if (!contents.ok) progress(`  ${one.name}: ${contents.reason}`);
  return contents;
}

function none({ name }: Bucket): UserError {
  return new UserError({
    what: `there is no snapshot in the bucket ${name}`,
    why: "K3s takes the first by the clock, once the stage k3s has given it the bucket's key",
    fix: "infra-k3s up, then infra-k3s backup create",
  });
}

/** Looks for a snapshot's token: the vault's of today and of before, then those of a recovery kit. */
export async function findToken(
  cluster: Cluster,
  { tokenId: id }: Snapshot,
  { kit, identity }: Pick<BackupVerifyOptions, "kit" | "identity">,
  progress: (line: string) => void,
): Promise<TokenHeld> {
  if (id === null)
    return { id, ok: true, reason: "the snapshot does not say which one it needs; it is that of its day" };
  const vault = await tokensOfVault(cluster, progress);
  const at = vault.tokens.findIndex((token) => tokenId(token) === id);
  if (at === 0) return { id, ok: true, reason: "the vault has it" };
  if (at > 0) return { id, ok: true, reason: "the vault had it before: its older version in git does" };
  if (kit === undefined) {
    const reason = vault.fault || `the vault has another one: ${vault.tokens.map(tokenId).join(", ")}`;
    return { id, ok: false, reason: `${reason}; try a recovery kit of its day: --kit FILE` };
  }
  const held = tokensIn((await openKit(kit, identity)).entries);
  return held.some((token) => tokenId(token) === id)
    ? { id, ok: true, reason: "the recovery kit has it" }
    : { id, ok: false, reason: `neither vault nor recovery kit has it: the kit has ${held.map(tokenId).join(", ")}` }; // prettier-ignore
}

async function tokensOfVault(
  cluster: Cluster,
  progress: (line: string) => void,
): Promise<{ tokens: string[]; fault: string }> {
  try {
    return { tokens: (await vaultTokens(cluster, await ensureAnsible(progress))).tokens, fault: "" };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return { tokens: [], fault: error.fault.what };
  }
}

function describe({ checked, token, good }: BackupVerify): string {
  const rows = checked.map((one) => [
    one.name,
    size(one.bytes),
    one.ok ? "good" : "BROKEN",
    one.ok ? `sha256 ${one.sha256}` : one.reason,
  ]);
  const held =
    token === null
      ? ""
      : `\ntoken ${token.id ?? "unknown"} of ${good?.name ?? ""}: ${token.ok ? "at hand" : "MISSING"}: ${token.reason}\n`;
  return table(["SNAPSHOT", "SIZE", "STATE", "SEEN"], rows) + held;
}
