import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseDocument } from "yaml";
import { replaceScalar } from "../config/edit.ts";
import { EXIT, UserError } from "../output/errors.ts";
import { toYaml } from "../render/yaml.ts";
import { CLUSTER_FILE } from "../repository/locate.ts";
import { PRODUCT_ROOT } from "../repository/shipped.ts";
import type { GitopsOptions } from "./init-gitops.ts";

export interface InitOptions extends GitopsOptions {
  directory: string;
  example?: string | undefined;
  name?: string | undefined;
  domain?: string | undefined;
  accountId?: string | undefined;
  k3sVersion?: string | undefined;
  /** `NAME:ROLE:PROVIDER:REGION:SIZE`, or `NAME:ROLE:existing[:ADDRESS]`; replaces the example's nodes. */
  node: readonly string[];
}

/** `cluster.yaml` as the example has it, with what was given instead. */
export function clusterText(options: InitOptions): string {
  const { example = DEFAULT_EXAMPLE, name, domain, accountId, k3sVersion, node } = options;
  let text = exampleText(example).replace("$schema=../../", "$schema=");
  if (name !== undefined) text = replaceScalar(text, ["name"], scalar(name));
  if (domain !== undefined) text = replaceScalar(text, ["domain"], scalar(domain));
  if (accountId !== undefined) text = withAccount(text, accountId, example);
  if (k3sVersion !== undefined) text = replaceScalar(text, ["k3s", "version"], scalar(k3sVersion));
  if (node.length === 0) return text;
  return text.slice(0, text.search(/^nodes:/m)) + toYaml({ nodes: node.map(parseNode) });
}

/** In quotes where it would be something else than text. */
const scalar = (value: string) => toYaml(value).trimEnd();

function withAccount(text: string, accountId: string, example: string): string {
  const path = ["cloudflare", "accountId"];
  if (parseDocument(text).hasIn(path)) return replaceScalar(text, path, scalar(accountId));
  throw new UserError(
    { what: `--account-id goes with \`cloudflare\`, which the example ${example} does not have`, fix: "leave it out, or choose another example" }, // prettier-ignore
    EXIT.usage,
  );
}

const EXAMPLES = join(PRODUCT_ROOT, "examples");
export const DEFAULT_EXAMPLE = "three-clouds";

export function examples(): string[] {
  return readdirSync(EXAMPLES).sort();
}

export function exampleText(example: string): string {
  if (examples().includes(example)) return readFileSync(join(EXAMPLES, example, CLUSTER_FILE), "utf8");
  throw new UserError(
    { what: `there is no example "${example}"`, fix: `examples: ${examples().join(", ")}` },
    EXIT.usage,
  );
}

function parseNode(text: string): Record<string, string> {
  const [name = "", role = "", provider = "", ...place] = text.split(":");
  const wanted = provider === "existing" ? ["address"].slice(0, place.length) : ["region", "size"];
  if (place.length !== wanted.length) {
    throw new UserError(
      {
        what: `--node ${text} can't be read`,
        fix: "write NAME:ROLE:PROVIDER:REGION:SIZE, e.g. --node hetzner-1:master:hetzner:fsn1:cx33, or NAME:ROLE:existing[:ADDRESS]",
      },
      EXIT.usage,
    );
  }
  return { name, role, provider, ...Object.fromEntries(wanted.map((field, i) => [field, place[i] ?? ""])) };
}
