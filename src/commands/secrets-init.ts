import { chmodSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { EXIT, type ExitCode, UserError } from "../output/errors.ts";
import type { Io } from "../output/io.ts";
import { PRODUCT_ROOT } from "../repository/shipped.ts";
import { writeAtomically } from "../repository/write.ts";
import { everyRecipient, newRules, PUBLIC_KEY, RULES_FILE } from "../secrets/rules.ts";
import { git, requireRepository } from "../tools/git/git.ts";
import { AGE_KEY_FILE, keepAgeKey, newAgeKey, readAgeKeys } from "../tools/sops/age.ts";
import type { ClusterOption } from "./cluster.ts";
import { ask } from "./confirm.ts";
import { readRules, secretsRoot } from "./secrets-place.ts";

export interface SecretsInitOptions extends ClusterOption {
  /** The public half of a recovery key that the operator has already. */
  recovery?: string | undefined;
  yes: boolean;
  json: boolean;
}

/** Makes the keys, the rules and the hook; what is there stays. */
export async function runSecretsInit(options: SecretsInitOptions, io: Io): Promise<ExitCode> {
  const root = secretsRoot(options);
  await requireRepository(root);
  await requireIgnored(root, AGE_KEY_FILE, "it will hold the key that opens every Secret");
  const rules = readRules(root);
  const before = await readAgeKeys(root);
  if (rules !== undefined) {
    const named = everyRecipient(rules);
    if (!before.some(({ recipient }) => named.some(({ key }) => key === recipient))) {
      throw new UserError({
        what: `no key in ${AGE_KEY_FILE} is one that ${RULES_FILE} names`,
        why: "nothing that is encrypted could be opened here",
        fix: `restore ${AGE_KEY_FILE}: from where you keep it, or with the recovery key in its place`,
      });
    }
    const hook = await installHook(root);
    io.err(`${RULES_FILE} and ${AGE_KEY_FILE} are there already; ${hook}\n`);
    if (options.json) io.out(`${JSON.stringify({ recipients: named, made: false })}\n`);
    return EXIT.ok;
  }
  const recovery = await recoveryKey(options, io);
  const [cluster] = before;
  const key = cluster ?? (await newAgeKey());
  if (cluster === undefined) keepAgeKey(root, "cluster", key, new Date().toISOString().slice(0, 10));
  const recipients = [
    { name: "cluster", key: key.recipient },
    { name: "recovery", key: recovery.recipient },
  ];
  writeAtomically(join(root, RULES_FILE), newRules(recipients), 0o644);
  const hook = await installHook(root);
  io.err(
    `${RULES_FILE}: who can open what; commit it\n${AGE_KEY_FILE}: the cluster's key; not in git, keep a copy elsewhere\n${hook}\n`,
  );
  if (options.json) {
    const { identity } = recovery;
    const shown = identity === undefined ? {} : { recoveryKey: identity };
    io.out(`${JSON.stringify({ recipients, made: true, ...shown })}\n`);
  }
  return EXIT.ok;
}

/** The key's file must not be one `git add .` away from everybody. */
export async function requireIgnored(root: string, file: string, why: string): Promise<void> {
  if ((await git(root, ["check-ignore", "--quiet", file])) !== undefined) return;
  throw new UserError({
    what: `${file} is not ignored by git`,
    why,
    fix: "infra-k3s render, which writes .gitignore; and take no line out of that",
  });
}

/** A key that is the operator's alone: shown once, written nowhere. */
export async function recoveryKey(
  { recovery, yes, json }: { recovery?: string | undefined; yes: boolean; json: boolean },
  io: Io,
): Promise<{ recipient: string; identity?: string }> {
  if (recovery !== undefined) {
    if (PUBLIC_KEY.test(recovery)) return { recipient: recovery };
    throw new UserError(
      {
        what: "--recovery is not a public age key",
        why: "it looks like age1…",
        fix: "age-keygen prints one",
      },
      EXIT.usage,
    );
  }
  if (!yes && !(process.stdin.isTTY && process.stderr.isTTY)) {
    throw new UserError(
      {
        what: "the recovery key would be shown, and there is no terminal",
        why: "it is shown once and written nowhere",
        fix: "run this on a terminal; give the public half of a key of your own: --recovery age1…; or add --yes to have it on stdout",
      },
      EXIT.usage,
    );
  }
  const key = await newAgeKey();
  const text = `The recovery key opens everything when the cluster's key is lost. It is shown this once, and kept nowhere:\n\n${key.identity}\n\nStore it apart from this machine and from the cluster, on paper or in a password manager.\n`;
  if (yes) {
    if (!json) io.out(`${key.identity}\n`);
    return key;
  }
  io.err(text);
  const end = key.identity.slice(-6);
  const answer = await ask("Once it is stored, type its last six characters: ");
  if (answer?.trim().toUpperCase() === end) return key;
  throw new UserError({
    what: "these are not its last six characters",
    fix: "run this again; that key was not used",
  });
}

/** Before each commit what goes into it is looked at. A hook that is there is the user's. */
async function installHook(root: string): Promise<string> {
  const path = resolve(root, (await git(root, ["rev-parse", "--git-path", "hooks/pre-commit"])) ?? "");
  const inside = (await git(root, ["rev-parse", "--show-prefix"])) ?? "";
  if (existsSync(path)) return `${path} is there: it should run infra-k3s secrets check --staged`;
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, hookText(inside), { flag: "wx" });
  chmodSync(path, 0o755);
  return `${path} refuses commits with plain secrets`;
}

function hookText(inside: string): string {
  const own = join(PRODUCT_ROOT, "infra-k3s").replaceAll("'", `'\\''`);
  return `#!/bin/sh
# Refuses a commit with plain secrets in it. Written by: infra-k3s secrets init
program=$(command -v infra-k3s) || program='${own}'
if [ ! -x "$program" ]; then
  echo "infra-k3s is not found: this commit can't be looked at" >&2
  echo "fix: put infra-k3s on the PATH, or run its secrets init again" >&2
  exit 1
fi
exec "$program" secrets check --staged --cluster "./${inside}"
`;
}
