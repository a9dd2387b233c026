import { join } from "node:path";
import { type Snapshot, tokenId } from "../backup/snapshot.ts";
import { masterOf } from "../config/model.ts";
import { requireCredentials } from "../doctor/credentials/check.ts";
import { type ExitCode, UserError } from "../output/errors.ts";
import type { Emit } from "../output/events.ts";
import type { Io } from "../output/io.ts";
import { jsonEmit, terminalEmit } from "../output/terminal.ts";
import { age } from "../output/table.ts";
import { tokensIn } from "../recovery-kit/contents.ts";
import { writeTree } from "../repository/write.ts";
import { runStages } from "../run/runner.ts";
import type { Ansible } from "../tools/ansible/install.ts";
import { replaceVaultToken } from "../tools/ansible/vault.ts";
import { withLock } from "../tools/lock/lock.ts";
import type { Bucket } from "../tools/s3/s3.ts";
import type { AgeKey } from "../tools/sops/age.ts";
import { openBackups, readSnapshot } from "./backup-place.ts";
import { findGood, findToken } from "./backup-verify.ts";
import { type Cluster, type ClusterOption, openCluster, renderCluster, stageContext } from "./cluster.ts";
import { confirm } from "./confirm.ts";
import { concluded } from "./outcome.ts";
import { vaultTokens } from "./recovery-kit-contents.ts";
import { publishingOf } from "./publishing.ts";
import { openKit, recoveryKeys } from "./recovery-kit-verify.ts";
import { BEGUN, noteBegun, readBegun } from "./restore-begun.ts";
import { type Restoration, restorationSteps } from "./restore-cluster-steps.ts";
import { isRunning, RESTORED_MARK } from "./restore-cluster-hosts.ts";

export interface RestoreClusterOptions extends ClusterOption {
  from?: string | undefined;
  /** A recovery kit that may have the snapshot's token. */
  kit?: string | undefined;
  /** A file with the recovery key's private half: for the kit, and to compare restored volumes with their inventory. */
  identity?: string | undefined;
  json: boolean;
  yes: boolean;
  /** Commit and push what is another now, such as servers.json, without asking. */
  push: boolean;
}

/** What a recovery kit and the recovery key bring. */
export interface Recovery {
  /** K3s's server tokens, beside those of the vault. */
  tokens: readonly string[];
  keys: readonly AgeKey[];
}

/** Brings the cluster's state back, and the volumes of the disks that are gone. */
export async function runRestoreCluster(options: RestoreClusterOptions, io: Io): Promise<ExitCode> {
  const emit = options.json ? jsonEmit(io) : terminalEmit(io);
  return restoreCluster(options, await recoveryOf(options), io, emit);
}

async function recoveryOf({ kit, identity }: RestoreClusterOptions): Promise<Recovery> {
  if (kit !== undefined) {
    const { entries, keys } = await openKit(kit, identity);
    return { tokens: tokensIn(entries), keys };
  }
  return { tokens: [], keys: identity === undefined ? [] : await recoveryKeys(identity) };
}

/** Each step looks first, so a run killed anywhere is simply run again. */
export async function restoreCluster(
  options: Pick<RestoreClusterOptions, "cluster" | "from" | "yes" | "push">,
  { tokens, keys }: Recovery,
  io: Io,
  emit: Emit,
): Promise<ExitCode> {
  const cluster = openCluster(options);
  const progress = (message: string) => emit({ event: "log", level: "info", message });
  return withLock(cluster.root, "restore", async () => {
    const bucket = await openBackups(cluster);
    const before = readBegun(cluster.root);
    const snapshot = await choose(cluster, bucket, options.from, before?.snapshot, progress);
    if (before === undefined && !options.yes && (await isRunning(cluster))) {
      const loss = `The cluster ${cluster.model.name} is running: all that happened since ${snapshot.at} is lost.`;
      await confirm(loss, "cluster's name", cluster.model.name, io);
    }
    await requireCredentials(cluster.model, cluster.secrets);
    const publishing = publishingOf(cluster.root, options.push);
    const context = await stageContext(cluster, progress, { publishing, restoring: true });
    await requireToken(cluster, context.ansible, snapshot, tokens, emit);
    // What is left of one whose snapshot is gone is of no use to another.
    const begun = before?.snapshot === snapshot.name ? before : { snapshot: snapshot.name };
    noteBegun(cluster.root, begun);
    writeTree(cluster.root, renderCluster(cluster));
    const master = masterOf(cluster.model);
    const restoration: Restoration = { context, bucket, snapshot, master, begun, keys };
    const result = await runStages(restorationSteps, restoration, emit, Date.now);
    return concluded(result, context.logFile, "this", io);
  });
}

/** The snapshot, read to its last byte before anything is changed. One that was asked for and is broken is not replaced by another. */
async function choose(
  { root, model }: Cluster,
  bucket: Bucket,
  from: string | undefined,
  begun: string | undefined,
  progress: (line: string) => void,
): Promise<Snapshot> {
  if (begun !== undefined && from !== undefined && from !== begun) {
    throw new UserError({
      what: `a restore from ${begun} has not come to its end`,
      why: "another one in its place would leave parts of both",
      fix: `infra-k3s restore cluster, which goes on with it; to begin another: rm ${join(root, BEGUN)}, and on ${masterOf(model).name} rm -f ${RESTORED_MARK}`,
    });
  }
  // Read before, and by now there may be a newer one: that it is still there is enough.
  const again = begun === undefined ? undefined : await readSnapshot(bucket, begun);
  if (again !== undefined) return again;
  const { name, checked, good } = await findGood(bucket, from, progress);
  const [wanted] = checked;
  if (wanted?.ok === true && good !== null) return taken(good, progress);
  const reason = wanted?.ok === false ? wanted.reason : "it is gone";
  if (good === null || from !== undefined) {
    throw new UserError({
      what: `${name} can't be restored; nothing was changed`,
      why: reason,
      fix:
        good === null
          ? "none of those before it is whole either: infra-k3s backup list --limit 0"
          : `the newest before it that is whole: infra-k3s restore cluster --from ${good.name}`,
    });
  }
  progress(`${name}: ${reason}; the one before is taken`);
  return taken(good, progress);
}

function taken(snapshot: Snapshot, progress: (line: string) => void): Snapshot {
  progress(`restoring from ${snapshot.name}, taken ${snapshot.at}, ${age(snapshot.ageSeconds)} ago`);
  return snapshot;
}

/** The token of the snapshot's day must be the vault's: servers and agents join with what lies there. */
export async function requireToken(
  cluster: Cluster,
  ansible: Ansible,
  snapshot: Snapshot,
  ofKit: readonly string[],
  emit: Emit,
): Promise<void> {
  const progress = (message: string) => emit({ event: "log", level: "info", message });
  const kept = ofKit.find((token) => tokenId(token) === snapshot.tokenId);
  const held = await findToken(cluster, snapshot, {}, progress);
  if (!held.ok && kept === undefined) {
    throw new UserError({
      what: `the server token that ${snapshot.name} opens with is not at hand; nothing was changed`,
      why: held.reason,
      fix: "name a recovery kit of the snapshot's day: --kit FILE; or take a newer snapshot: --from NAME",
    });
  }
  const { tokens } = await vaultTokens(cluster, ansible);
  const token = tokens.find((one) => tokenId(one) === snapshot.tokenId) ?? kept;
  if (token === undefined || token === tokens[0]) return;
  await replaceVaultToken(cluster.root, ansible, cluster.secrets.ANSIBLE_VAULT_PASSWORD ?? "", token);
  const message =
    "the snapshot is older than the last rotation of the server token: the vault has the token of its day again; commit it, and rotate anew afterwards";
  emit({ event: "log", level: "warning", message });
}
