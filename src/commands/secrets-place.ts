import { existsSync, readFileSync } from "node:fs";
import { isAbsolute, join, relative, resolve } from "node:path";
import { buffer } from "node:stream/consumers";
import { EXIT, UserError } from "../output/errors.ts";
import { chooseRepository } from "../repository/locate.ts";
import { parseRules, type Rule, ruleFor, RULES_FILE } from "../secrets/rules.ts";
import { parseSops, type SopsFile } from "../secrets/sops-file.ts";
import { readLock } from "../tools/downloads/lock.ts";
import { ensureSops } from "../tools/sops/install.ts";
import type { Sops } from "../tools/sops/sops.ts";
import type { ClusterOption } from "./cluster.ts";

/** The repository whose secrets are meant, with its rules and the program that keeps them. */
export interface SecretsPlace extends Sops {
  rules: Rule[];
}

export function secretsRoot({ cluster }: ClusterOption): string {
  return chooseRepository(cluster ?? process.env["INFRA_K3S_CLUSTER"], process.cwd());
}

export async function openSecrets(options: ClusterOption): Promise<SecretsPlace> {
  const root = secretsRoot(options);
  const rules = readRules(root);
  if (rules === undefined) {
    throw new UserError(
      { what: `there is no ${RULES_FILE}`, fix: "make the keys and the rules: infra-k3s secrets init" },
      EXIT.config,
    );
  }
  return { root, rules, program: await ensureSops(readLock(root)) };
}

export function readRules(root: string): Rule[] | undefined {
  const path = join(root, RULES_FILE);
  return existsSync(path) ? parseRules(readFileSync(path, "utf8")) : undefined;
}

/** A file given on the command line, as the repository calls it: from the current folder, or from the root. */
export function repositoryPath({ root, rules }: SecretsPlace, given: string): string {
  const here = relative(root, resolve(given));
  const path = here.startsWith("..") && !isAbsolute(given) ? relative(root, resolve(root, given)) : here;
  if (path.startsWith("..")) {
    throw new UserError(
      { what: `${given} is not in ${root}`, fix: "name a file of the repository" },
      EXIT.usage,
    );
  }
  if (ruleFor(rules, path) !== undefined) return path;
  throw new UserError(
    {
      what: `no rule of ${RULES_FILE} is for ${path}`,
      why: `the rules are for ${rules.map(({ pathRegex }) => pathRegex?.source ?? "every file").join(", ")}`,
      fix: "name it for example kubernetes/apps/APP/NAME.sops.yaml",
    },
    EXIT.usage,
  );
}

/** An encrypted file that is there, with its text. */
export function readSecretFile({ root }: SecretsPlace, path: string): { text: string; file: SopsFile } {
  const full = join(root, path);
  const text = existsSync(full) ? readFileSync(full, "utf8") : undefined;
  const file = text === undefined ? undefined : parseSops(text);
  if (text !== undefined && file !== undefined) return { text, file };
  throw new UserError({
    what: text === undefined ? `there is no ${path}` : `${path} is not encrypted`,
    fix:
      text === undefined
        ? `make it: infra-k3s secrets set ${path} KEY`
        : `sops encrypt --in-place ${path}; make new values if it was ever committed`,
  });
}

/** A value from stdin or from a prompt that shows nothing: never from the arguments, which every process can read. */
export async function readValue(question: string): Promise<string> {
  const given = await readStdin(question);
  if (given === "") throw new UserError({ what: "the value is empty; nothing was written" }, EXIT.usage);
  return given;
}

/** All of stdin, or a line typed and not shown, without the newline at its end; may be empty. */
export async function readStdin(question: string): Promise<string> {
  const bytes = process.stdin.isTTY ? Buffer.from(await askHidden(question)) : await buffer(process.stdin);
  const value = bytes.toString("utf8");
  if (!Buffer.from(value).equals(bytes)) {
    throw new UserError({
      what: "the value is not text",
      fix: "encode it first, for example with base64, and decode it where it is used",
    });
  }
  // What a person's shell adds is no part of it.
  return value.replace(/\r?\n$/, "");
}

function askHidden(question: string): Promise<string> {
  const { stdin, stderr } = process;
  stderr.write(question);
  stdin.setRawMode(true);
  stdin.resume();
  return new Promise((done) => {
    let typed = "";
    const end = () => {
      stdin.setRawMode(false);
      stdin.pause();
      stdin.off("data", take);
      stderr.write("\n");
    };
    const take = (chunk: Buffer) => {
      for (const character of chunk.toString("utf8")) {
        if (character === "\u0003") {
          end();
          // As outside of the raw mode: children.ts ends the process. A signal proper would come too late, with nothing left to wait for.
          process.emit("SIGINT");
          return;
        }
        if (character === "\r" || character === "\n" || character === "\u0004") {
          end();
          done(typed);
          return;
        }
        typed = character === "\u007f" ? typed.slice(0, -1) : typed + character;
      }
    };
    stdin.on("data", take);
  });
}
