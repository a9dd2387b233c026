import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ClusterModel } from "../src/config/model.ts";
import { generateX25519Identity, identityToRecipient } from "age-encryption";
import { execa } from "execa";
import { DEPLOY_KEY_PUBLIC } from "../src/stages/gitops/sealed.ts";
import type { Plan } from "./network/plan.ts";
import { clusterFolder } from "./paths.ts";
import { productCommand } from "./product.ts";
import {
  addKey,
  createRepository,
  repositoryFolder,
  repositoryUrl,
  setWebhook,
} from "./services/git-accounts.ts";
import { branches } from "./services/git-webhook.ts";

/** What a person does at a git host for a cluster that follows a repository, and in it for a first page. */

export const repositoryOf = ({ name }: Pick<ClusterModel, "name">) => `ops/${name}.git`;

/** An empty repository, and the operator's key at it. Returns what `init` is told of it. */
export async function prepareRepository(
  stateDir: string,
  model: ClusterModel,
  operatorKey: string,
): Promise<string[]> {
  const path = repositoryOf(model);
  await createRepository(stateDir, path);
  addKey(stateDir, readFileSync(`${operatorKey}.pub`, "utf8"), null);
  const recovery = await recoveryRecipient(stateDir);
  return ["--repository", repositoryUrl(path), "--email", `ops@${model.domain}`, "--recovery", recovery];
}

/** The public half of the operator's recovery key, which they keep elsewhere than in the cluster's repository. */
async function recoveryRecipient(stateDir: string): Promise<string> {
  const file = join(stateDir, "operator/recovery.key");
  if (!existsSync(file)) writeFileSync(file, `${await generateX25519Identity()}\n`, { mode: 0o600 });
  return identityToRecipient(readFileSync(file, "utf8").trim());
}

/** Lets the cluster read the repository, by the deploy key that `init` has shown. */
export function registerDeployKey(stateDir: string, model: ClusterModel, cluster: string): void {
  const key = join(cluster, DEPLOY_KEY_PUBLIC);
  if (existsSync(key)) addKey(stateDir, readFileSync(key, "utf8"), repositoryOf(model));
}

/** Whether the git host has anything of the cluster's repository yet. */
export async function isPushed(stateDir: string, model: ClusterModel): Promise<boolean> {
  const folder = repositoryFolder(stateDir, repositoryOf(model));
  return existsSync(folder) && (await branches(folder)).size > 0;
}

/** A first app, so that there is a page to look at. */
export function firstApp({ domain }: ClusterModel): string[] {
  return ["app", "add", "echo", "--image", "ghcr.io/infra-k3s/echo:1", "--port", "8080", "--host", `echo.${domain}`]; // prettier-ignore
}

/** Has the git host tell ArgoCD of pushes, with the secret that `up` has sealed. */
export async function registerWebhook(plan: Plan, stateDir: string, model: ClusterModel): Promise<void> {
  const file = "kubernetes/bootstrap/secrets/webhook.sops.yaml";
  if (!existsSync(join(clusterFolder(plan.name), file))) return;
  const { argv, env } = productCommand(plan, stateDir, ["secrets", "show", file, "secret", "--yes"]);
  const [program, ...args] = argv;
  const { stdout } = await execa(program, args, { env });
  setWebhook(stateDir, repositoryOf(model), `https://argocd.${model.domain}/api/webhook`, stdout.trim());
}
