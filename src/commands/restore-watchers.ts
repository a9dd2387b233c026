import { readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { mustPython } from "../tools/ssh/python.ts";
import type { SshTarget } from "../tools/ssh/ssh.ts";
import { RESTORED_MARK } from "./restore-cluster-hosts.ts";

const PROGRAM = readFileSync(join(import.meta.dirname, "restore-watchers.py"), "utf8");

/** Pods that watch the API and have run since before the restore begin anew; returns how many. Run again, it finds none. */
export async function restartWatchers(master: SshTarget): Promise<number> {
  const said = await mustPython(
    master,
    PROGRAM,
    { mark: RESTORED_MARK },
    {
      timeout: 120_000,
      what: "the pods that watch the API can't be restarted: they go on as if nothing had been restored",
      fix: "infra-k3s status; then run this again",
    },
  );
  return z.object({ restarted: z.number() }).parse(JSON.parse(said)).restarted;
}
