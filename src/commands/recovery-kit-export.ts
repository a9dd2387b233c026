import { existsSync, readFileSync, realpathSync, statSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { EXIT, type ExitCode, type Fault, formatFault, UserError } from "../output/errors.ts";
import type { Io } from "../output/io.ts";
import { AGE_KEYS, ENTRIES, K3S_TOKENS, tokensText, VELERO_PASSWORD } from "../recovery-kit/contents.ts";
import { hashOf, writeKit } from "../recovery-kit/kit.ts";
import { drillRecipient, recoveryRecipient } from "../recovery-kit/recipient.ts";
import { PRODUCT_ROOT } from "../repository/shipped.ts";
import { writeAtomically } from "../repository/write.ts";
import { ensureAnsible } from "../tools/ansible/install.ts";
import { readLock } from "../tools/downloads/lock.ts";
import { git, requireRepository } from "../tools/git/git.ts";
import { encryptTo, looksEncrypted } from "../tools/sops/age-file.ts";
import { readAgeKeys } from "../tools/sops/age.ts";
import { ensureSops } from "../tools/sops/install.ts";
import { type Cluster, type ClusterOption, openCluster } from "./cluster.ts";
import { gather, repositoryPassword, vaultTokens } from "./recovery-kit-contents.ts";
import { originOf } from "./recovery-kit-origin.ts";
import { readRules } from "./secrets-place.ts";

export interface ExportOptions extends ClusterOption {
  /** Default: beside `cluster.yaml`, under a name that git ignores. */
  output?: string | undefined;
  json: boolean;
}

/** The shape of `recovery-kit export --json`: names, no value. */
export interface RecoveryKitExport {
  file: string;
  sha256: string;
  made: string;
  cluster: { name: string; id: string };
  /** The public half of the key that opens it. */
  recipient: string;
  /** The same of the drill's key, which opens it as well; null: there is none. */
  drill: string | null;
  entries: string[];
  /** What a person should know about this kit. */
  notes: string[];
}

/** Writes the kit, whole or not at all: one file that only the recovery key opens, and the drill's where there is one. */
export async function runRecoveryKitExport(options: ExportOptions, io: Io): Promise<ExitCode> {
  const cluster = openCluster(options);
  await requireRepository(cluster.root);
  const file = resolve(options.output ?? join(cluster.root, `${cluster.model.name}.recovery-kit.age`));
  await refusePlace(cluster.root, file);
  const { plain, ...about } = await assemble(cluster, io);
  const { recipient, drill } = about;
  const text = await encryptTo([recipient, ...(drill === null ? [] : [drill])], plain);
  writeAtomically(file, text, 0o600);
  report({ file, sha256: hashOf(text), ...about }, options.json, io);
  return EXIT.ok;
}

type Assembled = Omit<RecoveryKitExport, "file" | "sha256"> & { plain: string };

/** Everything that must be in it, or all that is missing at once. */
async function assemble(cluster: Cluster, io: Io): Promise<Assembled> {
  const { root, model, secrets } = cluster;
  const recipient = recoveryRecipient(readRules(root));
  const { entries, missing } = await gather(cluster);
  const { origin, missing: unknown, notes } = await originOf(root, model);
  missing.push(...(typeof recipient === "string" ? [] : [recipient]), ...unknown);
  // Without its password, which is named already, the vault need not be tried.
  if (secrets.ANSIBLE_VAULT_PASSWORD !== undefined) {
    try {
      const ansible = await ensureAnsible((line) => io.err(`${line}\n`));
      const { tokens, unopened } = await vaultTokens(cluster, ansible);
      entries.set(K3S_TOKENS, tokensText(tokens));
      if (unopened > 0)
        notes.push(`${unopened} older versions of the vault do not open with today's password: the server tokens of their days are not in this kit; keep the kit of before`); // prettier-ignore
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      missing.push(error.fault);
    }
  }
  // Without the cluster's age key, which is named already, no file opens.
  if (model.gitops !== null && entries.has(AGE_KEYS)) {
    try {
      const sops = { root, program: await ensureSops(readLock(root)) };
      entries.set(VELERO_PASSWORD, await repositoryPassword(sops));
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      missing.push(error.fault);
    }
  }
  if (typeof recipient !== "string" || origin === undefined || missing.length > 0) throw incomplete(missing);
  if ((await readAgeKeys(root)).some((key) => key.recipient === recipient))
    notes.push(
      "the recovery key lies in .age-key.local: take it out, what it is for is the loss of this place",
    );
  const made = new Date().toISOString();
  const named = { name: model.name, id: origin.id };
  const about = { made, madeBy: `infra-k3s ${productVersion()}`, k3s: model.k3s.version, git: origin.git };
  const plain = writeKit({ ...about, cluster: named }, entries);
  const drill = drillRecipient(readRules(root)) ?? null;
  return { plain, made, cluster: named, recipient, drill, entries: [...entries.keys()], notes };
}

function incomplete(missing: readonly Fault[]): UserError {
  return new UserError({
    what: "no recovery kit was written: something it must hold is missing",
    why: missing.map(formatFault).join("\n"),
    fix: "mend each as it says, and run this again",
  });
}

/** Not where it would be lost, committed, or put over something else. */
async function refusePlace(root: string, file: string): Promise<void> {
  const folder = dirname(file);
  if (!existsSync(folder)) {
    throw new UserError(
      {
        what: `there is no folder ${folder}`,
        why: "a medium may not be mounted",
        fix: "make it, or name another",
      },
      EXIT.usage,
    );
  }
  const stat = statSync(file, { throwIfNoEntry: false });
  if (stat !== undefined && !(stat.isFile() && looksEncrypted(readFileSync(file, "utf8")))) {
    throw new UserError(
      { what: `${file} is there already, and no recovery kit`, why: "it would be lost", fix: "name another" },
      EXIT.usage,
    );
  }
  const top = await git(root, ["rev-parse", "--show-toplevel"]);
  const real = join(realpathSync(folder), basename(file));
  if (top === undefined || !real.startsWith(`${top}/`)) return;
  if ((await git(root, ["check-ignore", "--quiet", "--", real])) !== undefined) return;
  throw new UserError({
    what: `${file} is not ignored by git`,
    why: "git would keep every kit for ever, beside what the kit opens",
    fix: "infra-k3s render, which writes .gitignore; or name a place outside of the repository: --output FILE",
  });
}

function productVersion(): string {
  const text = readFileSync(join(PRODUCT_ROOT, "package.json"), "utf8");
  return (JSON.parse(text) as { version: string }).version;
}

function report(kit: RecoveryKitExport, json: boolean, io: Io): void {
  const { file, sha256, made, cluster, recipient, drill, entries, notes } = kit;
  if (json) io.out(`${JSON.stringify(kit)}\n`);
  else {
    const width = Math.max(...entries.map((name) => name.length));
    const lines = entries.map((name) => {
      const what = ENTRIES.find((entry) => entry.name === name)?.what ?? "";
      return `  ${name.padEnd(width)}  ${what}\n`;
    });
    io.out(
      `${file}\nsha256 ${sha256}\nthe recovery kit of ${cluster.name}, made ${made}; ${drill === null ? `${recipient} alone opens it` : `${recipient} opens it, and the drill's ${drill}`}:\n${lines.join("")}`,
    );
  }
  for (const note of notes) io.err(`note: ${note}\n`);
  io.err(
    "keep it in two places that are neither this machine, the cluster, its git host nor its Cloudflare account, and the recovery key apart from it; then try it: infra-k3s recovery-kit verify FILE\n",
  );
}
