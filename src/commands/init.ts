import { existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { formatDiagnostic } from "../config/diagnostic.ts";
import { replaceScalar } from "../config/edit.ts";
import { loadCluster } from "../config/load.ts";
import { EXIT, type ExitCode, UserError } from "../output/errors.ts";
import type { Io } from "../output/io.ts";
import { toYaml } from "../render/yaml.ts";
import { CLUSTER_FILE } from "../repository/locate.ts";
import { PRODUCT_ROOT } from "../repository/shipped.ts";
import { writeAtomically, writeTree } from "../repository/write.ts";
import { ensureAnsible } from "../tools/ansible/install.ts";
import { ensureVault } from "../tools/ansible/vault.ts";
import { completeLock, LOCK_FILE, readLock } from "../tools/downloads/lock.ts";
import { runOrFail } from "../tools/process/process.ts";
import { publicKey } from "../tools/ssh/public-key.ts";
import { ensureVaultPassword, readSecrets } from "../tools/secrets/envrc.ts";
import { openCluster, readModel, renderCluster, SERVERS_FILE } from "./cluster.ts";

export interface InitOptions {
  directory: string;
  example: string;
  name?: string | undefined;
  domain?: string | undefined;
  k3sVersion?: string | undefined;
  /** `NAME:ROLE:PROVIDER:REGION:SIZE`, or `NAME:ROLE:existing[:ADDRESS]`; replaces the example's nodes. */
  node: readonly string[];
}

/** Makes DIR a cluster repository, or completes the one it is; what a user wrote stays. */
export async function runInit(options: InitOptions, io: Io): Promise<ExitCode> {
  const root = resolve(options.directory);
  const file = join(root, CLUSTER_FILE);
  const progress = (line: string) => io.err(`${line}\n`);
  if (existsSync(file)) refuseChanges(options);
  else {
    const text = clusterText(options);
    const loaded = loadCluster(text, CLUSTER_FILE);
    if (!loaded.ok) {
      const what = loaded.diagnostics.map((diagnostic) => formatDiagnostic(diagnostic, text)).join("\n");
      throw new UserError({ what, fix: "correct the flags; nothing was written" }, EXIT.config);
    }
    mkdirSync(root, { recursive: true });
    writeAtomically(file, text, 0o644);
  }
  await ensurePublicKey(root);
  const model = readModel(root);
  const before = readLock(root);
  const lock = await completeLock(before, model, progress);
  if (JSON.stringify(lock) !== JSON.stringify(before)) {
    writeAtomically(join(root, LOCK_FILE), `${JSON.stringify(lock, null, 2)}\n`, 0o644);
  }
  ensureVaultPassword(root);
  writeTree(root, renderCluster(openCluster({ cluster: root })));
  await ensureVault(root, await ensureAnsible(progress), readSecrets(root, {}));
  if (!existsSync(join(root, ".git"))) {
    await runOrFail(
      { argv: ["git", "init", "--quiet", "--initial-branch=main", root] },
      "can't make a git repository",
    );
  }
  io.out(`${root} is the cluster repository of ${model.name}\n${nextSteps(root)}`);
  return EXIT.ok;
}

/** New servers let in whoever has this operator's key: the one in `.envrc.local`, or ssh's own. */
async function ensurePublicKey(root: string): Promise<void> {
  const { cloudflare, sshPublicKey } = readModel(root);
  if (cloudflare === null || sshPublicKey !== "") return;
  const key = await publicKey(readSecrets(root, process.env).INFRA_K3S_SSH_KEY);
  if (key === undefined) return;
  const file = join(root, CLUSTER_FILE);
  const text = readFileSync(file, "utf8");
  writeAtomically(file, text.replace(/^nodes:/m, `${toYaml({ ssh: { publicKey: key } })}\nnodes:`), 0o644);
}

function nextSteps(root: string): string {
  const secrets = readSecrets(root, {});
  const { cloudflare, sshPublicKey } = readModel(root);
  const steps = [
    cloudflare !== null || existsSync(join(root, SERVERS_FILE))
      ? ""
      : `write ${SERVERS_FILE}: publicIp, sshUser and sshHostKey of each node`,
    cloudflare !== null && sshPublicKey === ""
      ? `write your public SSH key into ${CLUSTER_FILE}: ssh: { publicKey: ssh-ed25519 … }`
      : "",
    cloudflare !== null && secrets.TF_VAR_cloudflare_api_token === undefined
      ? "put the providers' credentials into .envrc.local, as docs/credentials.md says"
      : "",
    secrets.TAILSCALE_OAUTH_CLIENT_ID === undefined && secrets.TAILSCALE_AUTHKEY === undefined
      ? "put the Tailscale OAuth client into .envrc.local"
      : "",
    "infra-k3s up",
  ];
  return steps
    .filter(Boolean)
    .map((step) => `  next: ${step}\n`)
    .join("");
}

function refuseChanges({ name, domain, k3sVersion, node }: InitOptions): void {
  if (name === undefined && domain === undefined && k3sVersion === undefined && node.length === 0) return;
  throw new UserError(
    {
      what: `${CLUSTER_FILE} is there already; --name, --domain, --k3s-version and --node only shape a new one`,
      fix: `edit ${CLUSTER_FILE}, or run init without these flags to complete the repository`,
    },
    EXIT.usage,
  );
}

function clusterText({ example, name, domain, k3sVersion, node }: InitOptions): string {
  let text = exampleText(example);
  if (name !== undefined) text = replaceScalar(text, ["name"], name);
  if (domain !== undefined) text = replaceScalar(text, ["domain"], domain);
  if (k3sVersion !== undefined) text = replaceScalar(text, ["k3s", "version"], k3sVersion);
  if (node.length === 0) return text;
  return text.slice(0, text.search(/^nodes:/m)) + toYaml({ nodes: node.map(parseNode) });
}

function exampleText(example: string): string {
  const folder = join(PRODUCT_ROOT, "examples");
  const examples = readdirSync(folder).sort();
  if (examples.includes(example)) return readFileSync(join(folder, example, CLUSTER_FILE), "utf8");
  throw new UserError(
    { what: `there is no example "${example}"`, fix: `examples: ${examples.join(", ")}` },
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
