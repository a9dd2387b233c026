import { readFileSync, statSync } from "node:fs";
import { resolve } from "node:path";
import { EXIT, type ExitCode, UserError } from "../output/errors.ts";
import type { Io } from "../output/io.ts";
import { age, table } from "../output/table.ts";
import {
  AGE_KEYS,
  type Entries,
  identitiesOf,
  K3S_TOKENS,
  type Stale,
  staleEntries,
  tokensText,
  VELERO_PASSWORD,
} from "../recovery-kit/contents.ts";
import { hashOf, type Kit, type Manifest, readKit } from "../recovery-kit/kit.ts";
import { findRepository } from "../repository/locate.ts";
import { ensureAnsible } from "../tools/ansible/install.ts";
import { readLock } from "../tools/downloads/lock.ts";
import { requireRepository } from "../tools/git/git.ts";
import { openAgeFile } from "../tools/sops/age-file.ts";
import { type AgeKey, recipientOf } from "../tools/sops/age.ts";
import { ensureSops } from "../tools/sops/install.ts";
import type { Sops } from "../tools/sops/sops.ts";
import { type ClusterOption, openCluster } from "./cluster.ts";
import {
  type Check,
  checkAgeKey,
  checkCluster,
  checkRecoveryKey,
  checkVault,
} from "./recovery-kit-checks.ts";
import { gather, repositoryPassword } from "./recovery-kit-contents.ts";
import { readStdin } from "./secrets-place.ts";

export interface VerifyOptions extends ClusterOption {
  file: string;
  /** A file with the recovery key's private half; default: stdin. */
  identity?: string | undefined;
  json: boolean;
}

/** The shape of `recovery-kit verify --json`: names, no value. */
export interface RecoveryKitVerify {
  /** It is whole, it opens what is here, and nothing has changed since. */
  ok: boolean;
  file: string;
  sha256: string;
  made: string;
  ageSeconds: number;
  madeBy: string;
  cluster: { name: string; id: string };
  k3s: string;
  commit: string;
  entries: string[];
  /** What it was compared with; null outside of a cluster repository. */
  repository: string | null;
  checks: Check[];
  stale: Stale[];
}

/** Opens a kit and tries what it holds. Writes nothing, and shows no value. */
export async function runRecoveryKitVerify(options: VerifyOptions, io: Io): Promise<ExitCode> {
  const { sha256, keys, ...kit } = await openKit(options.file, options.identity);
  const contents: Check = {
    name: "contents",
    ok: true,
    reason: `${kit.entries.size} entries, each with the sha256 of the manifest`,
  };
  const seen = await compare(options, kit, keys, io);
  const checks = [contents, ...seen.checks];
  const ok = checks.every((check) => check.ok) && seen.stale.length === 0;
  report({ ok, file: resolve(options.file), sha256, ...told(kit), ...seen, checks }, options.json, io);
  return ok ? EXIT.ok : EXIT.failed;
}

/** A kit's contents, opened with the recovery key of a file or of stdin. */
export async function openKit(
  file: string,
  identity: string | undefined,
): Promise<Kit & { sha256: string; keys: AgeKey[] }> {
  const { text, sha256 } = readKitFile(file);
  const keys = await recoveryKeys(identity);
  return { ...readKit(await openAgeFile(file, text, keys)), sha256, keys };
}

/** No kit comes near it; what is larger need not be read to be refused. */
const LARGEST = 16 * 1024 * 1024;

function readKitFile(file: string): { text: string; sha256: string } {
  const stat = statSync(file, { throwIfNoEntry: false });
  if (stat?.isFile() === true && stat.size <= LARGEST) {
    const bytes = readFileSync(file);
    return { text: bytes.toString("latin1"), sha256: hashOf(bytes) };
  }
  throw new UserError(
    {
      what: stat === undefined ? `there is no ${file}` : `${file} is no recovery kit`,
      fix: "name the file that infra-k3s recovery-kit export wrote",
    },
    EXIT.usage,
  );
}

/** The private half, from a file or stdin: an argument could be read by every process. */
export async function recoveryKeys(file: string | undefined): Promise<AgeKey[]> {
  const from = file ?? "stdin";
  const text =
    file === undefined ? await readStdin("The recovery key (not shown): ") : readIdentityFile(file);
  const identities = identitiesOf(text.replaceAll("\r\n", "\n"));
  if (identities.length === 0) {
    throw new UserError(
      {
        what: `there is no private age key in ${from}`,
        why: "the recovery key is a line that begins with AGE-SECRET-KEY-1",
        fix: "give it with --identity FILE, or on stdin: infra-k3s recovery-kit verify FILE < KEYFILE",
      },
      EXIT.usage,
    );
  }
  const recipients = await Promise.all(identities.map(recipientOf));
  return identities.map((identity, index) => {
    const recipient = recipients[index];
    if (recipient !== undefined) return { identity, recipient };
    throw new UserError(
      {
        what: `the private age key in ${from} is mistyped`,
        why: "its checksum does not match",
        fix: "compare it with where you keep it",
      },
      EXIT.usage,
    );
  });
}

function readIdentityFile(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new UserError({ what: `--identity ${file} can't be read`, why }, EXIT.usage);
  }
}

type Comparison = Pick<RecoveryKitVerify, "repository" | "checks" | "stale">;

/** Tries the kit on the repository that is meant; outside of any there is nothing to compare it with. */
async function compare(
  { cluster: named }: ClusterOption,
  { manifest, entries }: Kit,
  keys: readonly AgeKey[],
  io: Io,
): Promise<Comparison> {
  const chosen = named ?? process.env["INFRA_K3S_CLUSTER"] ?? findRepository(process.cwd());
  if (chosen === undefined) return { repository: null, checks: [], stale: [] };
  const cluster = openCluster({ cluster: chosen });
  const { root } = cluster;
  await requireRepository(root);
  const ofCluster = await checkCluster(cluster, manifest);
  const sops = { root, program: await ensureSops(readLock(root)) };
  const ansible = await ensureAnsible((line) => io.err(`${line}\n`));
  const vault = await checkVault(root, ansible, entries);
  const checks = [ofCluster, checkRecoveryKey(root, keys), await checkAgeKey(sops, entries), vault.check];
  const here = (await gather(cluster)).entries;
  if (vault.token !== undefined) here.set(K3S_TOKENS, tokensText([vault.token]));
  const password = await passwordHere({ ...sops, identities: identitiesOf(entries.get(AGE_KEYS) ?? "") });
  if (password !== undefined) here.set(VELERO_PASSWORD, password);
  return { repository: root, checks, stale: staleEntries(entries, here) };
}

/** Opened with the kit's own keys; that they open nothing is told already, and so is a file that is not there. */
async function passwordHere(sops: Sops): Promise<string | undefined> {
  try {
    return await repositoryPassword(sops);
  } catch (error) {
    if (error instanceof UserError) return undefined;
    throw error;
  }
}

function told({ manifest, entries }: { manifest: Manifest; entries: Entries }) {
  const { made, madeBy, cluster, k3s, git } = manifest;
  const ageSeconds = Math.max(0, Math.floor((Date.now() - Date.parse(made)) / 1000));
  return { made, ageSeconds, madeBy, cluster, k3s, commit: git.commit, entries: [...entries.keys()] };
}

function report(result: RecoveryKitVerify, json: boolean, io: Io): void {
  const { ok, file, sha256, made, ageSeconds, madeBy, cluster, k3s, commit, checks, stale, repository } =
    result;
  if (json) io.out(`${JSON.stringify(result)}\n`);
  else {
    const rows = [
      ...checks.map((check) => [check.name, check.ok ? "ok" : "FAILED", check.reason]),
      ...stale.map(({ entry, reason }) => [entry, "stale", reason === "changed" ? "changed since" : reason]),
    ];
    io.out(
      `${file}\nsha256 ${sha256}\nthe recovery kit of ${cluster.name}: made ${made}, ${age(ageSeconds)} ago, by ${madeBy}; K3s ${k3s}, commit ${commit.slice(0, 7)}\n\n${table(["WHAT", "STATE", "SEEN"], rows)}`,
    );
  }
  if (repository === null)
    io.err("compared with nothing: run this in the cluster's repository, or add --cluster DIR\n");
  if (!ok) io.err("it does not bring back what is here: make it anew, infra-k3s recovery-kit export\n");
}
