import { basename, resolve } from "node:path";
import { parse } from "yaml";
import { formatPath } from "../config/diagnostic.ts";
import { replaceBlock } from "../config/edit.ts";
import { placeOf, repositoryFault } from "../config/gitops.ts";
import { loadCluster } from "../config/load.ts";
import { dashed } from "../config/shape.ts";
import { EXIT, UserError } from "../output/errors.ts";
import type { Io } from "../output/io.ts";
import { CLUSTER_FILE } from "../repository/locate.ts";
import type { Ask } from "./confirm.ts";
import { clusterText, DEFAULT_EXAMPLE, examples, exampleText, type InitOptions } from "./init-text.ts";

/** What `init` asks of a new cluster; each has a flag, and a default. */
interface Question {
  key: "example" | "name" | "domain" | "accountId" | "repository" | "email";
  flag: string;
  text: string;
  isAsked: (options: InitOptions) => boolean;
  /** Empty: it may be left out. */
  fallback: (options: InitOptions) => string;
  /** What is wrong with an answer; empty where nothing is. */
  fault: (options: InitOptions, answer: string) => string;
}

const inExample = ({ example = DEFAULT_EXAMPLE }: InitOptions): Record<string, unknown> =>
  parse(exampleText(example)) as Record<string, unknown>;
const ofText = (path: string) => (options: InitOptions) => faultIn(clusterText(options), path);

const QUESTIONS: readonly Question[] = [
  {
    key: "example",
    flag: "--example",
    text: `Which example to start from (${examples().join(", ")})`,
    isAsked: () => true,
    fallback: () => DEFAULT_EXAMPLE,
    fault: (_, answer) => (examples().includes(answer) ? "" : `there is no example "${answer}"`),
  },
  {
    key: "name",
    flag: "--name",
    text: "The cluster's name",
    isAsked: () => true,
    fallback: (options) => nameOf(options),
    fault: ofText("name"),
  },
  {
    key: "domain",
    flag: "--domain",
    text: "The domain it serves",
    isAsked: () => true,
    fallback: (options) => String(inExample(options)["domain"]),
    fault: ofText("domain"),
  },
  {
    key: "accountId",
    flag: "--account-id",
    text: "The id of your Cloudflare account; the dashboard shows it beside each zone",
    isAsked: (options) => inExample(options)["cloudflare"] !== undefined,
    fallback: (options) => (inExample(options)["cloudflare"] as { accountId: string }).accountId,
    fault: ofText("cloudflare.accountId"),
  },
  {
    key: "repository",
    flag: "--repository",
    text: "The git repository it follows, by SSH; empty: as in the example",
    isAsked: (options) => inExample(options)["cloudflare"] !== undefined,
    fallback: () => "",
    fault: (_, answer) =>
      answer === "" || placeOf(answer) !== undefined ? "" : `${answer} ${repositoryFault(answer)}`,
  },
  {
    key: "email",
    flag: "--email",
    text: "Where Let's Encrypt writes to",
    isAsked: ({ repository }) => repository !== undefined,
    fallback: (options) => (inExample(options)["tls"] as { email: string } | undefined)?.email ?? "",
    fault: (options, answer) =>
      faultIn(replaceBlock(clusterText(options), "tls", { email: answer }, "nodes"), "tls.email"),
  },
];

/**
 * The options with an answer to everything: from flags, else from a person, else the defaults where `--yes` allows that. Without a
 * person and without `--yes` what is missing is named.
 */
export async function answered(options: InitOptions, ask: Ask | undefined, io: Io): Promise<InitOptions> {
  if (!options.yes && ask === undefined) refuseMissing(options);
  let so = options;
  for (const question of QUESTIONS) {
    if (so[question.key] !== undefined || !question.isAsked(so)) continue;
    const fallback = question.fallback(so);
    const answer = options.yes || ask === undefined ? fallback : await untilRight(question, fallback, so, ask, io); // prettier-ignore
    if (answer !== "") so = { ...so, [question.key]: answer };
  }
  return so;
}

async function untilRight(
  question: Question,
  fallback: string,
  options: InitOptions,
  ask: Ask,
  io: Io,
): Promise<string> {
  for (;;) {
    const answer = await ask(question.text, fallback);
    const fault = question.fault({ ...options, [question.key]: answer }, answer);
    if (fault === "") return answer;
    io.err(`${fault}\n`);
  }
}

function refuseMissing(options: InitOptions): void {
  const missing = QUESTIONS.filter(({ key, isAsked }) => options[key] === undefined && isAsked(options));
  if (missing.length === 0) return;
  throw new UserError(
    {
      what: "there is no terminal to ask on",
      why: `these are open: ${missing.map(({ flag }) => flag).join(", ")}`,
      fix: "give them, or add --yes to take the defaults",
    },
    EXIT.usage,
  );
}

/** Shows what will be written, and has a person say yes to it. */
export async function agreed(text: string, root: string, ask: Ask | undefined, io: Io): Promise<void> {
  if (ask === undefined) return;
  io.err(`\n${text.replaceAll(/^/gm, "  ").trimEnd()}\n\nThis becomes ${root}/${CLUSTER_FILE}. Beside it: what is rendered from it, the lock of all downloads, a vault with its password in .envrc.local, a README, and a git repository where there is none.\n`); // prettier-ignore
  const answer = await ask("Write it?", "y");
  if (/^y(es)?$/i.test(answer)) return;
  throw new UserError({ what: "nothing was written" });
}

/** Of a path in the file the first fault, with what to do. */
function faultIn(text: string, path: string): string {
  const loaded = loadCluster(text, CLUSTER_FILE);
  const fault = loaded.ok ? undefined : loaded.diagnostics.find((one) => one.path === path);
  return fault === undefined ? "" : [fault.message, fault.why, fault.suggestion].filter(Boolean).join("; ");
}

/** The folder's name where it is one for a cluster. */
function nameOf(options: InitOptions): string {
  const own = dashed(basename(resolve(options.directory)));
  const fits =
    faultIn(clusterText({ ...options, name: own === "" ? undefined : own }), formatPath(["name"])) === "";
  return own !== "" && fits ? own : String(inExample(options)["name"]);
}
