import { rmSync } from "node:fs";
import { join } from "node:path";
import type { Inventory } from "../backup-inventory/inventory.ts";
import { listInventories, readInventory } from "../backup-inventory/store.ts";
import type { SavedNamespace } from "../backup/volume-backup.ts";
import { hasVelero } from "../config/model.ts";
import { EXIT, type ExitCode, UserError } from "../output/errors.ts";
import type { Io } from "../output/io.ts";
import { jsonEmit, terminalEmit } from "../output/terminal.ts";
import { writeAtomically } from "../repository/write.ts";
import { runStages } from "../run/runner.ts";
import { masterTarget } from "../stages/context.ts";
import { withLock } from "../tools/lock/lock.ts";
import type { Bucket } from "../tools/s3/s3.ts";
import type { SshTarget } from "../tools/ssh/ssh.ts";
import { resumeArgocd } from "../tools/velero/argocd.ts";
import { forgetSecrets, lookAtNamespaces, type NamespacesLook } from "../tools/velero/namespaces.ts";
import { openBackups } from "./backup-place.ts";
import { completedBackup, objectsOf, repositoryFault, volumesOf } from "./backup-volumes.ts";
import { type Cluster, type ClusterOption, openCluster } from "./cluster.ts";
import { confirm } from "./confirm.ts";
import { recoveryKeys } from "./recovery-kit-verify.ts";
import { BEGUN, type Begun, readBegun } from "./restore-namespaces-begun.ts";
import { type NamespacesRestoration, namespacesSteps } from "./restore-namespaces-steps.ts";
import { secretsOfGit } from "./restore-secrets.ts";

export interface RestoreNamespacesOptions extends ClusterOption {
  from: string;
  /** Default: all that the backup has. */
  namespace?: readonly string[] | undefined;
  replace: boolean;
  identity?: string | undefined;
  yes: boolean;
  json: boolean;
}

/** Brings namespaces of the running cluster back, with their volumes. Each step looks first, so a run killed anywhere is simply run again. */
export async function runRestoreNamespaces(options: RestoreNamespacesOptions, io: Io): Promise<ExitCode> {
  const cluster = openCluster(options);
  const emit = options.json ? jsonEmit(io) : terminalEmit(io);
  const progress = (message: string) => emit({ event: "log", level: "info", message });
  if (!hasVelero(cluster.model)) throw new UserError({ what: "this cluster has no backups of its volumes", why: "cluster.yaml has no `gitops`", fix: "infra-k3s restore cluster brings its state back" }); // prettier-ignore
  const ok = await withLock(cluster.root, "restore", async () => {
    const bucket = await openBackups(cluster);
    const inventory = await inventoryOf(bucket, options, progress);
    const before = readBegun(cluster.root);
    if (before !== undefined) requireSame(before, options);
    await completedBackup(bucket, options.from);
    progress(`reading ${options.from}`);
    const saved = await objectsOf(bucket, options.from);
    const namespaces = choose(saved.namespaces, before?.namespaces ?? options.namespace);
    const names = namespaces.map(({ metadata }) => metadata.name);
    const begun = before ?? newRestore(options.from, names);
    const master = masterTarget(cluster);
    const seen = await lookAtNamespaces(master, begun, begun.restore);
    await requireOpening(bucket, options.from, names, seen);
    if (before === undefined) await requireRoom(cluster, seen, options, io);
    const secrets = await secretsOf(cluster, names, progress);
    // One that has failed is never taken up again by Velero: another in its place, with what it brought deleted.
    const hasFailed = seen.restore !== null && /Failed/.test(seen.restore);
    const now: Begun = hasFailed ? { ...begun, restore: newRestore(options.from, names).restore } : begun;
    writeAtomically(join(cluster.root, BEGUN), `${JSON.stringify(now)}\n`, 0o600);
    const restoration: NamespacesRestoration = {
      ...now,
      cluster,
      master,
      hasArgocd: cluster.model.gitops !== null,
      isBegun: seen.restore !== null && !hasFailed,
      namespaces,
      secrets,
      inventory,
    };
    const result = await runStages(namespacesSteps, restoration, emit, Date.now);
    // What differs is no step that could be taken again.
    if (result.stages.some(({ name }) => name === "compare")) await forget(cluster, master, now);
    else
      io.err("Argo CD is held until this has come to its end; run it again: it goes on where it stopped\n");
    return result.ok;
  });
  return ok ? EXIT.ok : EXIT.failed;
}

/** Lets Argo CD go on without the restore having come to its end. */
export async function runRestoreAbandon(
  options: ClusterOption & { json: boolean },
  io: Io,
): Promise<ExitCode> {
  const cluster = openCluster(options);
  const begun = readBegun(cluster.root);
  const resumed = await withLock(cluster.root, "restore", async () => {
    const changed = await resumeArgocd(masterTarget(cluster));
    rmSync(join(cluster.root, BEGUN), { force: true });
    return changed;
  });
  if (options.json) io.out(`${JSON.stringify({ resumed, abandoned: begun ?? null })}\n`);
  else {
    const kept = begun === undefined ? "" : `; Secrets that were kept aside lie on the master: /var/lib/rancher/k3s/server/infra-k3s-restore-${begun.id}.json`; // prettier-ignore
    io.out(`${resumed ? "Argo CD goes on" : "Argo CD was not held"}${kept}\n`);
  }
  return EXIT.ok;
}

async function forget(cluster: Cluster, master: SshTarget, begun: Begun): Promise<void> {
  await forgetSecrets(master, begun);
  rmSync(join(cluster.root, BEGUN), { force: true });
}

function newRestore(backup: string, namespaces: readonly string[]): Begun {
  const id = new Date().toISOString().replaceAll(/\D/g, "").slice(0, 14);
  // A label of Velero's has 63 characters at most.
  return {
    id,
    backup,
    namespaces: [...namespaces],
    restore: `${backup.slice(0, 48).replace(/[.-]+$/, "")}-${id}`,
  };
}

function requireSame(begun: Begun, { from, namespace }: RestoreNamespacesOptions): void {
  const isSame = begun.backup === from && (namespace === undefined || [...namespace].sort().join() === [...begun.namespaces].sort().join()); // prettier-ignore
  if (isSame) return;
  throw new UserError({
    what: `a restore of ${begun.namespaces.join(", ")} from ${begun.backup} has not come to its end; Argo CD is held meanwhile`,
    why: "another one in its place would leave parts of both",
    fix: `infra-k3s restore --from ${begun.backup}, which goes on with it; or infra-k3s restore abandon`,
  });
}

async function inventoryOf(
  bucket: Bucket,
  { from, identity }: RestoreNamespacesOptions,
  progress: (line: string) => void,
): Promise<Inventory | undefined> {
  if (!(await listInventories(bucket)).includes(from)) {
    progress(
      `${from} has no inventory, as only \`backup create\` takes one: what comes back is not compared`,
    );
    return undefined;
  }
  if (identity === undefined) {
    progress("what comes back is not compared: the inventory opens with the recovery key, --identity FILE");
    return undefined;
  }
  return readInventory(bucket, from, await recoveryKeys(identity));
}

/** Of the backup's namespaces those that are wanted; one that it does not have is told. */
function choose(saved: readonly SavedNamespace[], wanted: readonly string[] | undefined): SavedNamespace[] {
  const names = saved.map(({ metadata }) => metadata.name);
  const missing = (wanted ?? []).filter((name) => !names.includes(name));
  if (missing.length > 0 || saved.length === 0) {
    throw new UserError(
      { what: `the backup has no namespace ${missing.join(", ")}`, why: `it has ${names.join(", ") || "none"}`, fix: "infra-k3s backup list" }, // prettier-ignore
      EXIT.usage,
    );
  }
  return saved.filter(({ metadata }) => wanted?.includes(metadata.name) ?? true);
}

/** Velero reaches the bucket, and what is to be restored opens with the password that it has. */
async function requireOpening(
  bucket: Bucket,
  backup: string,
  names: readonly string[],
  seen: NamespacesLook,
): Promise<void> {
  if (seen.location !== "Available") {
    throw new UserError({
      what: "Velero can't reach the backups' bucket; nothing was changed",
      why: seen.why || "it has not looked at it yet",
      fix: "infra-k3s status",
    });
  }
  const volumes = (await volumesOf(bucket, backup)).filter(({ namespace }) => names.includes(namespace));
  const repositories = [...new Set(volumes.map(({ namespace }) => namespace))];
  const { password } = seen;
  const faults =
    password === null
      ? ["the Secret velero/velero-repo-credentials is not in the cluster"]
      : await Promise.all(repositories.map((namespace) => repositoryFault(bucket, namespace, password)));
  const found = faults.filter((fault) => fault !== undefined);
  if (repositories.length === 0 || found.length === 0) return;
  throw new UserError({
    what: "the volumes' backup does not open with the password that the cluster has; nothing was changed, and no repository was begun",
    why: found.join("\n"),
    fix: "put the password of that day back: it is in the recovery kit (velero-repository-password), and in kubernetes/infrastructure/velero/repository.sops.yaml in git",
  });
}

/** What is in the way is deleted only where somebody has said so. */
async function requireRoom(
  { model }: Cluster,
  { things }: NamespacesLook,
  { replace, yes }: RestoreNamespacesOptions,
  io: Io,
): Promise<void> {
  const full = Object.entries(things).filter(([, found]) => found.length > 0);
  if (full.length === 0) return;
  const names = full.map(([name]) => name);
  if (!replace || names.includes("default")) {
    throw new UserError({
      what: `there is something in ${names.join(", ")}; nothing was changed`,
      why: `Velero leaves alone what is there: ${full.map(([name, found]) => `${name}: ${found.join(", ")}`).join("; ")}`,
      fix: names.includes("default")
        ? "nobody can delete the namespace default: name the others, --namespace NAME, or delete by hand what is in it"
        : "add --replace, which deletes it with its volumes and brings it back as it was saved",
    });
  }
  if (yes) return;
  const [only] = names;
  const word = names.length === 1 && only !== undefined ? only : model.name;
  await confirm(`Everything in ${names.join(", ")} is deleted, with its volumes: what was written since the backup is lost.`, names.length === 1 ? "namespace's name" : "cluster's name", word, io); // prettier-ignore
}

/** Git's Secrets; where they can't be opened here, who waits for one of them waits until Argo CD goes on. */
async function secretsOf(cluster: Cluster, names: readonly string[], progress: (line: string) => void) {
  try {
    return await secretsOfGit(cluster.root, names);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    progress(`git's Secrets of these namespaces can't be opened here: ${error.fault.what}; a pod that mounts one which is not in the cluster now can't start`); // prettier-ignore
    return [];
  }
}
