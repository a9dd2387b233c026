import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { EXIT, type ExitCode } from "../output/errors.ts";
import type { Io } from "../output/io.ts";
import type { Finding } from "../secrets/finding.ts";
import { type Candidate, inspect, inspectRules } from "../secrets/inspect.ts";
import { parseRules, RULES_FILE } from "../secrets/rules.ts";
import { isSopsPath, parseSops } from "../secrets/sops-file.ts";
import { git, indexed, paths, requireRepository, textAt } from "../tools/git/git.ts";
import { SECRET_NAMES } from "../tools/secrets/envrc.ts";
import { type AgeKey, opens, readAgeKeys } from "../tools/sops/age.ts";
import type { ClusterOption } from "./cluster.ts";
import { secretsRoot } from "./secrets-place.ts";

export interface CheckOptions extends ClusterOption {
  /** Only what the next commit would bring. */
  staged: boolean;
  json: boolean;
}

/** The shape of `secrets check --json`. */
export interface SecretsCheck {
  ok: boolean;
  files: number;
  /** Too large to be looked at. */
  skipped: string[];
  findings: Finding[];
}

/** Looks for what must not be in git as it is; needs neither keys nor sops. */
export async function runSecretsCheck(options: CheckOptions, io: Io): Promise<ExitCode> {
  const result = await check(secretsRoot(options), options.staged);
  const { ok, files, skipped, findings } = result;
  if (options.json) io.out(`${JSON.stringify(result)}\n`);
  else {
    for (const { file, line, what, why, fix } of findings) {
      io.out(`${file}:${line}: ${what}\n  why: ${why}\n  fix: ${fix}\n`);
    }
  }
  if (skipped.length > 0) io.err(`too large, not looked at: ${skipped.join(", ")}\n`);
  io.err(
    `${files} files looked at, ${findings.length === 0 ? "nothing found" : `${findings.length} found`}\n`,
  );
  return ok ? EXIT.ok : EXIT.failed;
}

export async function check(root: string, staged: boolean): Promise<SecretsCheck> {
  await requireRepository(root);
  const keys = await readAgeKeys(root);
  const views = staged ? [await stagedView(root)] : await everyView(root);
  const findings: Finding[] = [];
  for (const { rulesText, files } of views) {
    const rules = parseRules(rulesText);
    if (rulesText !== "") findings.push(...inspectRules(rules));
    for (const file of files) {
      const found = inspect(file, rules, SECRET_NAMES);
      findings.push(...found.map((finding) => (file.untracked ? notYet(finding) : finding)));
      if (found.length === 0) findings.push(...(await inspectKeys(file, keys)));
    }
  }
  const unique = [...new Map(findings.map((finding) => [JSON.stringify(finding), finding])).values()];
  unique.sort((a, b) => a.file.localeCompare(b.file) || a.line - b.line);
  return {
    ok: unique.length === 0,
    files: new Set(views.flatMap(({ files }) => files.map(({ path }) => path))).size,
    skipped: [...new Set(views.flatMap(({ skipped }) => skipped))],
    findings: unique,
  };
}

type File = Candidate & { untracked: boolean };

/** Files with the rules that stand beside them: what is about to be committed has not those on the disk. */
interface View {
  rulesText: string;
  files: File[];
  skipped: string[];
}

/** No manifest, key or configuration is as large; an image or an archive is. */
const LARGEST = 16 * 1024 * 1024;

async function stagedView(root: string): Promise<View> {
  const list = await paths(root, [
    "diff", "--cached", "--name-only", "-z", "--diff-filter=ACMRT", "--relative",
  ]); // prettier-ignore
  const rest = async () => (await indexed(root)).filter((path) => isSopsPath(path) && !list.includes(path));
  // Changed rules judge every encrypted file anew.
  return indexView(root, list.includes(RULES_FILE) ? [...list, ...(await rest())] : list);
}

/** What stands on the disk, with what the next `git add .` would bring, and what is in git where that differs. */
async function everyView(root: string): Promise<View[]> {
  const [tracked, modified, others] = await Promise.all([
    indexed(root),
    paths(root, ["ls-files", "--modified", "-z"]),
    paths(root, ["ls-files", "--others", "--exclude-standard", "-z"]),
  ]);
  const skipped: string[] = [];
  const onDisk = (path: string, untracked: boolean): File[] => {
    if ((statSync(join(root, path), { throwIfNoEntry: false })?.size ?? 0) > LARGEST) {
      skipped.push(path);
      return [];
    }
    const text = readIfThere(root, path);
    return text === undefined ? [] : [{ path, text, untracked }];
  };
  const files = [
    ...tracked.flatMap((path) => onDisk(path, false)),
    ...others.flatMap((path) => onDisk(path, true)),
  ];
  const changed = new Set(modified);
  const atIndex = tracked.filter((path) => changed.has(path));
  return [{ rulesText: readIfThere(root, RULES_FILE) ?? "", files, skipped }, await indexView(root, atIndex)];
}

async function indexView(root: string, list: readonly string[]): Promise<View> {
  const files: File[] = [];
  const skipped: string[] = [];
  for (const path of list) {
    if (Number(await git(root, ["cat-file", "-s", `:./${path}`])) > LARGEST) {
      skipped.push(path);
      continue;
    }
    const text = await textAt(root, "", path);
    if (text !== undefined) files.push({ path, text, untracked: false });
  }
  return {
    rulesText: (await textAt(root, "", RULES_FILE)) ?? readIfThere(root, RULES_FILE) ?? "",
    files,
    skipped,
  };
}

function readIfThere(root: string, path: string): string | undefined {
  const full = join(root, path);
  return existsSync(full) ? readFileSync(full, "utf8") : undefined;
}

function notYet(finding: Finding): Finding {
  if (finding.code !== "never-in-git") return finding;
  return {
    ...finding,
    what: `${finding.file} is not ignored by git`,
    why: `the next git add may take it in: ${finding.why}`,
    fix: "add it to .git/info/exclude, or restore .gitignore: infra-k3s render",
  };
}

/** A file can name a recipient without being encrypted to it; with the key at hand that is seen. */
async function inspectKeys({ path, text }: Candidate, keys: readonly AgeKey[]): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const { key, enc, line } of parseSops(text)?.recipients ?? []) {
    const own = keys.find(({ recipient }) => recipient === key);
    if (own === undefined || (await opens(own, enc))) continue;
    findings.push({
      file: path,
      line,
      code: "sops-unopenable",
      what: `${path} names ${key}, and its key does not open it`,
      why: "its data key was encrypted to somebody else, or the file is damaged",
      fix: `git checkout a version that opens, or make it anew: infra-k3s secrets set`,
    });
  }
  return findings;
}
