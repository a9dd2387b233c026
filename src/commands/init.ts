import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { EXIT, type ExitCode, UserError } from "../output/errors.ts";
import type { Io } from "../output/io.ts";
import { renderReadme } from "../render/project.ts";
import { toYaml } from "../render/yaml.ts";
import { CLUSTER_FILE } from "../repository/locate.ts";
import { writeAtomically, writeTree } from "../repository/write.ts";
import { ensureAnsible } from "../tools/ansible/install.ts";
import { ensureVault } from "../tools/ansible/vault.ts";
import { completeLock, LOCK_FILE, readLock } from "../tools/downloads/lock.ts";
import { ensureManifests } from "../tools/downloads/manifests.ts";
import { runOrFail } from "../tools/process/process.ts";
import { publicKey } from "../tools/ssh/public-key.ts";
import { ensureVaultPassword, readSecrets } from "../tools/secrets/envrc.ts";
import { openCluster, readModel, renderCluster, SERVERS_FILE } from "./cluster.ts";
import { prompter } from "./confirm.ts";
import { ensureGitops, gitSteps, requireValid, withGitops } from "./init-gitops.ts";
import { agreed, answered } from "./init-questions.ts";
import { clusterText, type InitOptions } from "./init-text.ts";

/** Makes DIR a cluster repository, or completes the one it is; what a user wrote stays. */
export async function runInit(given: InitOptions, io: Io): Promise<ExitCode> {
  const root = resolve(given.directory);
  const file = join(root, CLUSTER_FILE);
  const progress = (line: string) => io.err(`${line}\n`);
  const isNew = !existsSync(file);
  if (!isNew) refuseChanges(given);
  const ask = isNew && !given.yes ? prompter() : undefined;
  const options = isNew ? await answered(given, ask, io) : given;
  const before = isNew ? clusterText(options) : readFileSync(file, "utf8");
  const text = await withGitops(before, options, io);
  if (isNew || text !== before) {
    requireValid(text);
    await agreed(text, root, ask, io);
    mkdirSync(root, { recursive: true });
    writeAtomically(file, text, 0o644);
  }
  await ensurePublicKey(root);
  const model = readModel(root);
  const locked = readLock(root);
  const lock = await completeLock(locked, model, progress);
  if (JSON.stringify(lock) !== JSON.stringify(locked)) {
    writeAtomically(join(root, LOCK_FILE), `${JSON.stringify(lock, null, 2)}\n`, 0o644);
  }
  ensureVaultPassword(root);
  await ensureManifests(root, lock);
  writeTree(root, renderCluster(openCluster({ cluster: root })));
  const readme = join(root, "README.md");
  if (!existsSync(readme)) writeAtomically(readme, renderReadme(model), 0o644);
  await ensureVault(root, await ensureAnsible(progress), readSecrets(root, {}));
  if (!existsSync(join(root, ".git"))) {
    await runOrFail(
      { argv: ["git", "init", "--quiet", "--initial-branch=main", root] },
      "can't make a git repository",
    );
  }
  if (model.gitops !== null) await ensureGitops(root, model.gitops, model.name, options, io);
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
  const { cloudflare, sshPublicKey, gitops } = readModel(root);
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
    ...(gitops === null ? [] : gitSteps(root, gitops)),
    gitops === null ? "infra-k3s up" : "infra-k3s up --push",
  ];
  return steps
    .filter(Boolean)
    .map((step) => `  next: ${step}\n`)
    .join("");
}

function refuseChanges({ name, domain, accountId, k3sVersion, node }: InitOptions): void {
  if ([name, domain, accountId, k3sVersion].every((one) => one === undefined) && node.length === 0) return;
  throw new UserError(
    {
      what: `${CLUSTER_FILE} is there already; --name, --domain, --account-id, --k3s-version and --node only shape a new one`,
      fix: `edit ${CLUSTER_FILE}, or run init without these flags to complete the repository`,
    },
    EXIT.usage,
  );
}
