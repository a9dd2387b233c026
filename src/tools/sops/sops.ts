import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { type Fault, UserError } from "../../output/errors.ts";
import { writeAtomically } from "../../repository/write.ts";
import { run } from "../process/process.ts";
import { AGE_KEY_FILE } from "./age.ts";

/** The program and the repository it works in. Paths are the repository's own. */
export interface Sops {
  program: string;
  root: string;
  /** Private keys to open files with, instead of all that lies here. */
  identities?: readonly string[];
}

export function sopsEnvironment({ root, identities }: Omit<Sops, "program">): Record<string, string> {
  const given = process.env["SOPS_AGE_KEY"];
  if (identities !== undefined) {
    // SOPS also looks for keys in the home: https://github.com/getsops/sops#encrypting-using-age
    return { SOPS_AGE_KEY: identities.join("\n"), HOME: "/nonexistent", SOPS_DISABLE_VERSION_CHECK: "1" };
  }
  return {
    SOPS_AGE_KEY_FILE: join(root, AGE_KEY_FILE),
    // The recovery key comes this way, and only for one command.
    ...(given === undefined ? {} : { SOPS_AGE_KEY: given }),
    SOPS_DISABLE_VERSION_CHECK: "1",
  };
}

async function call(sops: Sops, args: readonly string[], stdin?: string): Promise<string> {
  const { program, root } = sops;
  const result = await run({ argv: [program, ...args], cwd: root, env: sopsEnvironment(sops), stdin });
  if (result.exitCode === 0) return result.stdout;
  throw new UserError(explain(args.at(-1) ?? "", result.stderr));
}

function explain(file: string, stderr: string): Fault {
  const why = stderr.trim().split("\n").slice(-12).join("\n");
  if (/no matching creation rules/.test(why)) {
    return {
      what: `no rule in .sops.yaml is for ${file}`,
      why: "the rules say who can open which file",
      fix: "put it under kubernetes/ with a name that ends in .sops.yaml",
    };
  }
  if (/Failed to get the data key|no identity matched|failed to load age identities/i.test(why)) {
    return {
      what: `${file} can't be opened here`,
      why: `none of the keys in ${AGE_KEY_FILE} is one of its recipients\n${why}`,
      fix: `restore ${AGE_KEY_FILE}, or give the recovery key to this one command: SOPS_AGE_KEY=… (typed with a space before, so that the shell keeps no history of it)`,
    };
  }
  if (/MAC mismatch/i.test(why)) {
    return {
      what: `${file} was changed without SOPS`,
      why,
      fix: `restore it from git: git checkout ${file}`,
    };
  }
  return { what: `sops failed on ${file}`, why };
}

/** A new file's ciphertext, by the rules of `.sops.yaml`; the plain text is never on a disk. */
export async function encrypt(sops: Sops, path: string, plain: string): Promise<string> {
  const type = typeOf(path);
  const args = ["--config", ".sops.yaml", "encrypt", "--input-type", type, "--output-type", type];
  return `${await call(sops, [...args, "--filename-override", path], plain)}\n`;
}

/** What a file holds: of its text, so that versions from git's history can be opened too. */
export async function decrypt(sops: Sops, path: string, ciphertext: string): Promise<unknown> {
  const args = [
    "decrypt",
    "--input-type",
    typeOf(path),
    "--output-type",
    "json",
    "--filename-override",
    path,
  ];
  return JSON.parse(await call(sops, args, ciphertext)) as unknown;
}

/** Sets one value; every other keeps its ciphertext. */
export async function setValue(
  sops: Sops,
  path: string,
  keys: readonly string[],
  value: string,
): Promise<void> {
  const index = keys.map((key) => `[${JSON.stringify(key)}]`).join("");
  const read = readFileSync(join(sops.root, path), "utf8");
  const changed = await onCopy(path, read, (copy) =>
    call(sops, ["set", "--value-stdin", copy, index], JSON.stringify(value)),
  );
  replace(sops, path, read, changed);
}

/** The file with a new data key, and other recipients. */
export function rotated(
  sops: Sops,
  path: string,
  ciphertext: string,
  { add, remove }: { add: readonly string[]; remove: readonly string[] },
): Promise<string> {
  const change = [
    ...(add.length > 0 ? ["--add-age", add.join(",")] : []),
    ...(remove.length > 0 ? ["--rm-age", remove.join(",")] : []),
  ];
  return onCopy(path, ciphertext, (copy) => call(sops, ["rotate", "--in-place", ...change, copy]));
}

/** Puts changed ciphertext in a file's place, unless somebody else changed the file meanwhile. */
export function replace({ root }: Sops, path: string, read: string, changed: string): void {
  if (readFileSync(join(root, path), "utf8") !== read) {
    throw new UserError({
      what: `${path} was changed by somebody else meanwhile`,
      why: "the two changes can't be put together",
      fix: "run this again",
    });
  }
  if (changed !== read) writeAtomically(join(root, path), changed, 0o644);
}

/** SOPS writes over a file in place; a copy is replaced whole or not at all, also when killed. It is ciphertext. */
async function onCopy(
  path: string,
  ciphertext: string,
  change: (copy: string) => Promise<unknown>,
): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "infra-k3s-sops-"));
  const copy = join(folder, basename(path));
  try {
    writeFileSync(copy, ciphertext, { mode: 0o600 });
    await change(copy);
    return readFileSync(copy, "utf8");
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function typeOf(path: string): "json" | "yaml" {
  return path.endsWith(".json") ? "json" : "yaml";
}
