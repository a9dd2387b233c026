import { existsSync } from "node:fs";
import { basename, join } from "node:path";
import { EXIT, type ExitCode, UserError } from "../output/errors.ts";
import type { Io } from "../output/io.ts";
import { toYaml } from "../render/yaml.ts";
import { writeAtomically } from "../repository/write.ts";
import { ruleFor } from "../secrets/rules.ts";
import { valuesOf } from "../secrets/values.ts";
import { edit } from "../tools/sops/edit.ts";
import { decrypt, encrypt, setValue } from "../tools/sops/sops.ts";
import type { ClusterOption } from "./cluster.ts";
import {
  openSecrets,
  readSecretFile,
  readValue,
  repositoryPath,
  type SecretsPlace,
} from "./secrets-place.ts";

export interface SetOptions extends ClusterOption {
  file: string;
  key: string;
  /** Of a Secret that is made new; default: its namespace is the cluster's choice when applied. */
  namespace?: string | undefined;
  /** Of a Secret that is made new; default: the file's name. */
  name?: string | undefined;
}

/** Sets one value of an encrypted file, which is made when it is not there; the value comes from stdin or a prompt. */
export async function runSecretsSet(options: SetOptions, io: Io): Promise<ExitCode> {
  const place = await openSecrets(options);
  const path = repositoryPath(place, options.file);
  const value = await readValue(`${options.key} of ${path} (not shown): `);
  await setSecret(place, { ...options, path, value });
  io.err(`${options.key} is set in ${path}: commit it\n`);
  return EXIT.ok;
}

/** As `secrets set`, for other commands: what was minted goes from memory into its file. */
export async function setSecret(
  place: SecretsPlace,
  {
    path,
    key,
    value,
    namespace,
    name,
  }: { path: string; key: string; value: string } & Pick<SetOptions, "namespace" | "name">,
): Promise<void> {
  if (!existsSync(join(place.root, path))) {
    const plain = isManifest(path) ? manifest(path, key, value, namespace, name) : { [key]: value };
    const text = path.endsWith(".json") ? JSON.stringify(plain) : toYaml(plain);
    writeAtomically(join(place.root, path), await encrypt(place, path, text), 0o644);
    return;
  }
  const { file } = readSecretFile(place, path);
  if (!isManifest(path)) return setValue(place, path, [key], value);
  const isData = file.encrypted.some((leaf) => leaf.path[0] === "data" && leaf.path[1] === key);
  if (isData) return setValue(place, path, ["data", key], Buffer.from(value).toString("base64"));
  return setValue(place, path, ["stringData", key], value);
}

/** Under kubernetes/ an encrypted file is a Secret; elsewhere it is a plain map. */
function isManifest(path: string): boolean {
  return path.startsWith("kubernetes/");
}

function manifest(path: string, key: string, value: string, namespace?: string, name?: string): object {
  const metadata = {
    name: name ?? basename(path).replace(/\.sops\.\w+$/, ""),
    ...(namespace === undefined ? {} : { namespace }),
  };
  return { apiVersion: "v1", kind: "Secret", metadata, stringData: { [key]: value } };
}

export interface EditOptions extends ClusterOption {
  file: string;
}

export async function runSecretsEdit(options: EditOptions, io: Io): Promise<ExitCode> {
  const place = await openSecrets(options);
  const path = repositoryPath(place, options.file);
  readSecretFile(place, path);
  const editor = process.env["SOPS_EDITOR"] ?? process.env["VISUAL"] ?? process.env["EDITOR"] ?? "vi";
  const changed = await edit(place, path, editor);
  io.err(changed ? `${path} is changed: commit it\n` : `${path} is as it was\n`);
  return EXIT.ok;
}

export interface ShowOptions extends ClusterOption {
  file: string;
  key?: string | undefined;
  yes: boolean;
  json: boolean;
}

/** Prints plain text: to a person's terminal, elsewhere only when told so. */
export async function runSecretsShow(options: ShowOptions, io: Io): Promise<ExitCode> {
  if (!options.yes && !process.stdout.isTTY) {
    throw new UserError(
      {
        what: "this would print secrets to something that is no terminal",
        why: "a log or a file would keep them",
        fix: "add --yes to do it",
      },
      EXIT.usage,
    );
  }
  const place = await openSecrets(options);
  const path = repositoryPath(place, options.file);
  const { text } = readSecretFile(place, path);
  const values = valuesOf(await decrypt(place, path, text));
  if (options.key === undefined) {
    const shown = Object.fromEntries(values);
    io.out(options.json ? `${JSON.stringify(shown)}\n` : toYaml(shown));
    return EXIT.ok;
  }
  const value = values.get(options.key);
  if (value === undefined) {
    throw new UserError(
      { what: `${path} has no ${options.key}`, fix: `it has: ${[...values.keys()].join(", ")}` },
      EXIT.usage,
    );
  }
  io.out(
    options.json
      ? `${JSON.stringify({ [options.key]: value })}\n`
      : `${value}${process.stdout.isTTY ? "\n" : ""}`,
  );
  return EXIT.ok;
}

/** Which recipients a file has by the rules. */
export function declaredKeys(place: SecretsPlace, path: string): string[] {
  return (ruleFor(place.rules, path)?.recipients ?? []).map(({ key }) => key);
}
