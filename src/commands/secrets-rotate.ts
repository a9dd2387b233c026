import { readFileSync } from "node:fs";
import { join } from "node:path";
import { EXIT, type ExitCode, UserError } from "../output/errors.ts";
import type { Io } from "../output/io.ts";
import { table } from "../output/table.ts";
import { writeAtomically } from "../repository/write.ts";
import {
  changeRecipients,
  everyRecipient,
  parseRules,
  PUBLIC_KEY,
  type Recipient,
  RULES_FILE,
} from "../secrets/rules.ts";
import { isSopsPath, parseSops } from "../secrets/sops-file.ts";
import { git, indexed, paths, requireRepository } from "../tools/git/git.ts";
import { AGE_KEY_FILE, type AgeKey, keepAgeKey, newAgeKey, readAgeKeys } from "../tools/sops/age.ts";
import { replace, rotated } from "../tools/sops/sops.ts";
import type { ClusterOption } from "./cluster.ts";
import { recoveryKey } from "./secrets-init.ts";
import { openSecrets, type SecretsPlace } from "./secrets-place.ts";
import { type Seen, seenBy } from "./secrets-seen.ts";
import { declaredKeys } from "./secrets-values.ts";

export interface RotateOptions extends ClusterOption {
  /** `NAME=age1…`. */
  add: readonly string[];
  /** A name of `.sops.yaml`, or a key. */
  remove: readonly string[];
  /** Recipients that get a new key: `cluster`, `recovery`. */
  renew: readonly string[];
  yes: boolean;
  json: boolean;
}

interface RecipientChange {
  add: Recipient[];
  remove: Recipient[];
  /** Private, to be kept here. */
  kept: AgeKey | undefined;
  /** Private, shown and not kept. */
  shown: string | undefined;
}

/**
 * A new data key in every file, for the recipients that `.sops.yaml` then names. All files are made first and put in
 * place afterwards; killed between, the next run ends what was begun.
 */
export async function runSecretsRotate(options: RotateOptions, io: Io): Promise<ExitCode> {
  const before = await openSecrets(options);
  await requireRepository(before.root);
  const change = await recipientChange(before, options, io);
  const rulesText = changeRecipients(
    readFileSync(join(before.root, RULES_FILE), "utf8"),
    change.add,
    change.remove,
  );
  const place: SecretsPlace = { ...before, rules: parseRules(rulesText) };
  await refuseLockOut(place, change);
  const files = await encryptedFiles(place.root);
  const removed = removedFrom(files, place, change.remove);
  const seen = await seenBy(
    before,
    removed,
    [...files].map(([path, text]) => ({ path, text })),
  );
  if (change.kept !== undefined) {
    keepAgeKey(place.root, "cluster", change.kept, new Date().toISOString().slice(0, 10));
  }
  const made: [path: string, before: string, after: string][] = [];
  for (const [path, text] of files) made.push([path, text, await rotateOne(place, path, text)]);
  if (change.add.length + change.remove.length > 0) {
    writeAtomically(join(place.root, RULES_FILE), rulesText, 0o644);
  }
  for (const [path, text, anew] of made) replace(place, path, text, anew);
  const recipients = everyRecipient(place.rules);
  report({ recipients, files: made.map(([path]) => path), seen, shown: change.shown }, options.json, io);
  if (change.kept !== undefined) {
    io.err(
      "the cluster needs its new key before it meets these files: infra-k3s up --push does both, in this order\n",
    );
  }
  await warnShallow(place.root, removed, io);
  return EXIT.ok;
}

async function recipientChange(
  { rules }: SecretsPlace,
  options: RotateOptions,
  io: Io,
): Promise<RecipientChange> {
  const named = everyRecipient(rules);
  const find = (given: string): Recipient => {
    const found = named.find(({ name, key }) => name === given || key === given);
    if (found !== undefined) return found;
    // Removed before, by a run that was killed or by hand: what it has seen can still be told.
    if (PUBLIC_KEY.test(given)) return { name: given.slice(0, 12), key: given };
    throw new UserError(
      {
        what: `${RULES_FILE} names no recipient ${given}`,
        fix: `recipients: ${named.map(({ name }) => name).join(", ")}; one that it no longer names is given by its age1… key`,
      },
      EXIT.usage,
    );
  };
  const staying = named.filter(({ name, key }) => ![name, key].some((one) => options.remove.includes(one)));
  const change: RecipientChange = {
    add: options.add.map((given) => parseAdded(given, staying)),
    remove: options.remove.map(find),
    kept: undefined,
    shown: undefined,
  };
  for (const name of options.renew) {
    if (name !== "cluster" && name !== "recovery") {
      throw new UserError(
        {
          what: `--renew ${name} can't be done here`,
          why: "only the cluster's and the recovery key are made here",
          fix: `--remove ${name} --add ${name}=age1…`,
        },
        EXIT.usage,
      );
    }
    change.remove.push(find(name));
    const key = name === "cluster" ? await newAgeKey() : await recoveryKey(options, io);
    if (name === "cluster") change.kept = key as AgeKey;
    else change.shown = key.identity;
    change.add.push({ name, key: key.recipient });
  }
  return change;
}

function parseAdded(given: string, named: readonly Recipient[]): Recipient {
  const [name = "", key = ""] = given.split("=");
  const taken = named.find((recipient) => recipient.name === name && recipient.key !== key);
  if (/^[\w.@-]+$/.test(name) && PUBLIC_KEY.test(key) && taken === undefined) return { name, key };
  throw new UserError(
    {
      what: `--add ${given} can't be done`,
      why: taken === undefined ? "it is not NAME=age1…" : `${name} has another key already: ${taken.key}`,
      fix:
        taken === undefined
          ? "age-keygen prints a public key"
          : `--remove ${name} as well, or choose another name`,
    },
    EXIT.usage,
  );
}

async function refuseLockOut({ root, rules }: SecretsPlace, { kept }: RecipientChange): Promise<void> {
  const own = [...(await readAgeKeys(root)), ...(kept === undefined ? [] : [kept])];
  for (const { recipients } of rules) {
    const [why, fix] =
      recipients.length < 2
        ? ["a rule would have less than two recipients", "add another one: --add NAME=age1…"]
        : [
            `no key in ${AGE_KEY_FILE} would open it any more`,
            "--renew cluster makes a new one in its place",
          ];
    if (
      recipients.length >= 2 &&
      recipients.some(({ key }) => own.some(({ recipient }) => recipient === key))
    )
      continue;
    throw new UserError({ what: "nothing was changed", why, fix }, EXIT.usage);
  }
}

/** Every encrypted file of the repository, in git or about to be. */
export async function encryptedFiles(root: string): Promise<Map<string, string>> {
  const untracked = await paths(root, ["ls-files", "--others", "--exclude-standard", "-z"]);
  const deleted = new Set(await paths(root, ["ls-files", "--deleted", "-z"]));
  const all = [...(await indexed(root)), ...untracked].filter(
    (path) => isSopsPath(path) && !deleted.has(path),
  );
  return new Map(
    all.flatMap((path) => {
      const text = readFileSync(join(root, path), "utf8");
      return parseSops(text) === undefined ? [] : [[path, text] as const];
    }),
  );
}

/** Who is asked to go, and who still stands in a file although the rules no longer name them. */
function removedFrom(
  files: ReadonlyMap<string, string>,
  place: SecretsPlace,
  asked: readonly Recipient[],
): Recipient[] {
  const removed = new Map(asked.map((recipient) => [recipient.key, recipient]));
  for (const [path, text] of files) {
    const declared = declaredKeys(place, path);
    for (const { key } of parseSops(text)?.recipients ?? []) {
      if (!declared.includes(key) && !removed.has(key)) removed.set(key, { name: key.slice(0, 12), key });
    }
  }
  return [...removed.values()];
}

function rotateOne(place: SecretsPlace, path: string, text: string): Promise<string> {
  const declared = declaredKeys(place, path);
  if (declared.length === 0) {
    throw new UserError({
      what: `no rule of ${RULES_FILE} is for ${path}; nothing was changed`,
      fix: `move the file to where a rule is, or add one`,
    });
  }
  const actual = (parseSops(text)?.recipients ?? []).map(({ key }) => key);
  return rotated(place, path, text, {
    add: declared.filter((key) => !actual.includes(key)),
    remove: actual.filter((key) => !declared.includes(key)),
  });
}

interface Rotation {
  recipients: Recipient[];
  files: string[];
  seen: Seen[];
  shown: string | undefined;
}

function report({ recipients, files, seen, shown }: Rotation, json: boolean, io: Io): void {
  if (json) {
    const recovery = shown === undefined ? {} : { recoveryKey: shown };
    io.out(`${JSON.stringify({ recipients, files, seen, ...recovery })}\n`);
    return;
  }
  io.out(`${files.length} files have a new data key, for ${recipients.map(({ name }) => name).join(", ")}\n`);
  const open = seen.filter(({ now }) => now === "same" || now === "unknown");
  if (open.length > 0) {
    const rows = open.map(({ by, file, key, at, now }) => [
      by,
      file,
      key,
      at,
      now === "same" ? "yes" : "can't be told",
    ]);
    io.out(
      `\nalready seen by who was removed: a new key takes no knowledge back. Make each new at its source, then: infra-k3s secrets set FILE KEY\n\n${table(["BY", "FILE", "KEY", "SEEN IN", "STILL THE SAME"], rows)}`,
    );
  }
  const past = seen.length - open.length;
  if (past > 0) io.out(`\n${past} more were seen and have been changed or taken out since\n`);
}

async function warnShallow(root: string, removed: readonly Recipient[], io: Io): Promise<void> {
  if (removed.length === 0 || (await git(root, ["rev-parse", "--is-shallow-repository"])) !== "true") return;
  io.err(
    "this clone has not all of git's history: more may have been seen; git fetch --unshallow shows it\n",
  );
}
