import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { EXIT, type ExitCode } from "../output/errors.ts";
import type { Io } from "../output/io.ts";
import { age, table } from "../output/table.ts";
import { everyRecipient } from "../secrets/rules.ts";
import { isSopsPath, parseSops } from "../secrets/sops-file.ts";
import { type SecretEntry, SECRETS } from "../secrets/table.ts";
import { git, indexed, paths, requireRepository, versionsOf } from "../tools/git/git.ts";
import { readSecrets, type SecretName } from "../tools/secrets/envrc.ts";
import { AGE_KEY_FILE, readAgeKeys } from "../tools/sops/age.ts";
import type { ClusterOption } from "./cluster.ts";
import { readRules, secretsRoot } from "./secrets-place.ts";

export interface SecretsStatusOptions extends ClusterOption {
  json: boolean;
}

/** A line of `secrets status --json`. */
export interface SecretStatus extends SecretEntry {
  state: "set" | "missing" | "elsewhere" | "uncommitted";
  /** Since it was last changed, as git has it; null for what git does not hold. */
  ageSeconds: number | null;
}

/** Each secret: where it is, what it opens, how it is made new, how old it is. No value is read. */
export async function runSecretsStatus(options: SecretsStatusOptions, io: Io): Promise<ExitCode> {
  const root = secretsRoot(options);
  await requireRepository(root);
  const now = Math.floor(Date.now() / 1000);
  const secrets = [...(await knownSecrets(root, now)), ...(await encryptedValues(root, now))];
  if (options.json) {
    io.out(`${JSON.stringify({ secrets })}\n`);
    return EXIT.ok;
  }
  const rows = secrets.map(({ name, store, file, scope, rotation, state, ageSeconds }) => [
    name, store, file, state, ageSeconds === null ? "" : age(ageSeconds), scope, rotation,
  ]); // prettier-ignore
  io.out(table(["SECRET", "STORE", "FILE", "STATE", "AGE", "SCOPE", "ROTATION"], rows));
  return EXIT.ok;
}

async function knownSecrets(root: string, now: number): Promise<SecretStatus[]> {
  const set = readSecrets(root, process.env);
  const named = everyRecipient(readRules(root) ?? []);
  const own = await readAgeKeys(root);
  // Every value of every file has a line of its own below.
  const known = SECRETS.filter(({ store }) => store !== "SOPS");
  return Promise.all(
    known.map(async (entry): Promise<SecretStatus> => {
      switch (entry.store) {
        case "Ansible Vault": {
          const ageSeconds = await fileAge(root, entry.file, now);
          return { ...entry, state: setOrMissing(existsSync(join(root, entry.file))), ageSeconds };
        }
        case "age": {
          const isOwn = entry.file === AGE_KEY_FILE;
          const isSet = isOwn ? own.length > 0 : named.some(({ name }) => name === "recovery");
          return { ...entry, state: isSet && !isOwn ? "elsewhere" : setOrMissing(isSet), ageSeconds: null };
        }
        case "tofu state":
        case "the cluster":
          return { ...entry, state: "elsewhere", ageSeconds: null };
        case "direnv":
        case "TF_VAR":
        case "SOPS":
          return {
            ...entry,
            state: setOrMissing(set[entry.name as SecretName] !== undefined),
            ageSeconds: null,
          };
      }
    }),
  );
}

function setOrMissing(isSet: boolean): "set" | "missing" {
  return isSet ? "set" : "missing";
}

async function fileAge(root: string, path: string, now: number): Promise<number | null> {
  const time = await git(root, ["log", "-1", "--format=%ct", "--", path]);
  return time === undefined || time === "" ? null : Math.max(0, now - Number(time));
}

const entryOf = (path: string) => SECRETS.find(({ store, file }) => store === "SOPS" && file === path);

async function encryptedValues(root: string, now: number): Promise<SecretStatus[]> {
  const untracked = await paths(root, ["ls-files", "--others", "--exclude-standard", "-z"]);
  const files = [...(await indexed(root)), ...untracked].filter(
    (path) => isSopsPath(path) && existsSync(join(root, path)),
  );
  const all: SecretStatus[] = [];
  for (const path of files.sort()) {
    const text = readFileSync(join(root, path), "utf8");
    const versions = await versionsOf(root, path, false);
    const past = versions.map((version) => ({ time: version.time, values: ciphertexts(version.text) }));
    const namespace = /^ {2,4}namespace: (\S+)$/m.exec(text)?.[1];
    for (const [name, value] of ciphertexts(text)) {
      // The oldest commit of those in a row, from now back, that have this ciphertext.
      const first = past.findIndex(({ values }) => values.get(name) !== value);
      const time = past[(first < 0 ? past.length : first) - 1]?.time;
      all.push({
        name, store: "SOPS", file: path, scope: namespace === undefined ? "" : `namespace ${namespace}`,
        rotation: (entryOf(path) ?? entryOf(""))?.rotation ?? "",
        state: time === undefined ? "uncommitted" : "set",
        ageSeconds: time === undefined ? null : Math.max(0, now - time),
      }); // prettier-ignore
    }
  }
  return all;
}

/** Changing one value leaves the others' ciphertext, so that each has an age of its own, until all get a new data key. */
function ciphertexts(text: string): Map<string, string> {
  return new Map((parseSops(text)?.encrypted ?? []).map(({ path, value }) => [path.at(-1) ?? "", value]));
}
