import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { hash } from "bcryptjs";
import { masterOf } from "../config/model.ts";
import { EXIT, type ExitCode, UserError } from "../output/errors.ts";
import type { Io } from "../output/io.ts";
import { targetOf } from "../stages/context.ts";
import { freePort } from "../tools/kubectl/kubectl.ts";
import { dialogue } from "../tools/process/process.ts";
import { runScript, sshArgv, type SshTarget, sshVerdict } from "../tools/ssh/ssh.ts";
import { type ClusterOption, openCluster } from "./cluster.ts";

export interface ArgocdOptions extends ClusterOption {
  port?: number | undefined;
  /** Print the password to something that is no terminal. */
  yes: boolean;
}

const KEEPER = readFileSync(join(import.meta.dirname, "argocd.py"), "utf8");
/** The program comes in the first line of stdin, which stays open: its end is the end of the password. */
const START = `sudo -n python3 -c 'import json, sys; said = json.loads(sys.stdin.readline()); DATA = said["data"]; exec(said["program"])'`;

/**
 * Opens ArgoCD's interface on this machine: over SSH to the Service's own address, nothing of it is on the internet. The
 * password is made for this once; when this ends, however it ends, the master sets one that nobody knows.
 */
export async function runArgocd(options: ArgocdOptions, io: Io): Promise<ExitCode> {
  if (!options.yes && !process.stdout.isTTY) {
    throw new UserError(
      {
        what: "this would print a password to something that is no terminal",
        why: "a log or a file would keep it",
        fix: "add --yes to do it",
      },
      EXIT.usage,
    );
  }
  const { root, model, servers, secrets } = openCluster(options);
  const target = targetOf({ root, model, servers, secrets }, masterOf(model));
  if (target === undefined)
    throw new UserError({ what: "the master has no server yet", fix: "run infra-k3s up" });
  const address = await serverAddress(target);
  const port = await freePort(options.port);
  const password = randomBytes(24).toString("base64url");
  const [open, closed] = await Promise.all([
    hash(password, 10),
    hash(randomBytes(32).toString("base64url"), 10),
  ]);
  const forward = ["-o", "ExitOnForwardFailure=yes", "-L", `127.0.0.1:${port}:${address}`];
  const told = untilTold();
  const keeper = dialogue(
    { argv: [...sshArgv(target, forward), START] },
    `${JSON.stringify({ program: KEEPER, data: { open, closed } })}\n`,
  );
  try {
    await expectState(keeper.line(), "open", () => sshVerdict(keeper.stderr(), target).why);
    const url = `http://127.0.0.1:${port}`;
    await login(url, password);
    const notice = (await hasInterface(url))
      ? ""
      : "this image of ArgoCD has no interface in it; its API answers\n";
    io.out(`${url}\nuser      admin\npassword  ${password}\n`);
    io.err(`${notice}until Ctrl-C; then the password and every session end\n`);
    await Promise.race([told, gone(keeper)]);
  } finally {
    keeper.hangUp();
    const last = await Promise.race([keeper.line(), sleep(30_000, undefined, { ref: false })]);
    await keeper.stop();
    if (last?.includes('"closed"') !== true)
      io.err("the master did not say that the password ended: run this again, and end it with Ctrl-C\n");
    else io.err("the password has ended\n");
  }
  return EXIT.ok;
}

/** Ctrl-C ends this in good order, where elsewhere it ends the process at once. */
function untilTold(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
      process.removeAllListeners(signal);
      process.on(signal, () => resolve());
    }
  });
}

async function gone(keeper: { ended(): boolean }): Promise<void> {
  while (!keeper.ended()) await sleep(500);
}

async function serverAddress(target: SshTarget): Promise<string> {
  const ask = "k3s kubectl -n argocd get service argocd-server -o jsonpath='{.spec.clusterIP}'";
  const { exitCode, stdout, stderr } = await runScript(target, ask, 30_000);
  if (exitCode === 255)
    throw new UserError({ what: "the master can't be reached by SSH", ...sshVerdict(stderr, target) });
  if (exitCode === 0 && stdout.trim() !== "") return `${stdout.trim()}:80`;
  throw new UserError({
    what: "the cluster has no argocd-server",
    why: stderr.trim(),
    fix: "run infra-k3s up; it needs `gitops` in cluster.yaml",
  });
}

async function expectState(
  line: Promise<string | undefined>,
  state: string,
  otherwise: () => string,
): Promise<void> {
  const said = await line;
  const answer = said === undefined ? {} : (JSON.parse(said) as { state?: string; fault?: string });
  if (answer.state === state) return;
  throw new UserError({ what: "ArgoCD's password could not be set", why: answer.fault ?? otherwise() });
}

/** ArgoCD reads its Secret within moments; a password that is printed works. */
async function login(url: string, password: string): Promise<void> {
  const body = JSON.stringify({ username: "admin", password });
  let said = "";
  // Five failures lock the admin out for minutes: https://github.com/argoproj/argo-cd/blob/v3.6.1/util/session/sessionmanager.go
  for (const pause of [1000, 2000, 4000, 8000]) {
    await sleep(pause);
    try {
      const headers = { "content-type": "application/json" };
      const answer = await fetch(`${url}/api/v1/session`, { method: "POST", headers, body });
      if (answer.ok) return;
      said = `${answer.status}: ${(await answer.text()).slice(0, 200)}`;
    } catch (error) {
      said = error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error);
    }
  }
  throw new UserError({
    what: "ArgoCD does not let its admin in",
    why: said,
    fix: "infra-k3s status shows whether argocd-server runs; admin.enabled must not be false in argocd-cm",
  });
}

async function hasInterface(url: string): Promise<boolean> {
  const answer = await fetch(url).catch(() => undefined);
  return answer?.ok === true && (answer.headers.get("content-type") ?? "").includes("html");
}
