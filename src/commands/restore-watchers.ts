import { readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { UserError } from "../output/errors.ts";
import { runPython } from "../tools/ssh/python.ts";
import { type SshTarget, sshVerdict } from "../tools/ssh/ssh.ts";
import { RESTORED_MARK } from "./restore-cluster-hosts.ts";

const PROGRAM = readFileSync(join(import.meta.dirname, "restore-watchers.py"), "utf8");

/** Pods that watch the API and have run since before the restore begin anew; returns how many. Run again, it finds none. */
export async function restartWatchers(master: SshTarget): Promise<number> {
  const data = { mark: RESTORED_MARK };
  const { exitCode, stdout, stderr } = await runPython(master, PROGRAM, data, { timeout: 120_000 });
  if (exitCode === 0) return z.object({ restarted: z.number() }).parse(JSON.parse(stdout)).restarted;
  const what = "the pods that watch the API can't be restarted: they go on as if nothing had been restored";
  if (exitCode === 255) throw new UserError({ what, ...sshVerdict(stderr, master) });
  throw new UserError({ what, why: stderr.trim(), fix: "infra-k3s status; then run this again" });
}
