import { readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { mustPython } from "../ssh/python.ts";
import type { SshTarget } from "../ssh/ssh.ts";

const PROGRAM = readFileSync(join(import.meta.dirname, "argocd.py"), "utf8");
const ChangedSchema = z.object({ changed: z.boolean() });
/** Each of two controllers gets two minutes to end. */
const PATIENCE = 300_000;

/**
 * ArgoCD's controllers at 0, each with a note of how many it had, so that a run after one that was killed knows; returns
 * whether it changed anything. While it works it fills a namespace with empty volumes before a restore does.
 */
export function holdArgocd(master: SshTarget): Promise<boolean> {
  return change(master, true);
}

/** As many controllers as there were; one that was at 0 by somebody else's wish stays so. */
export function resumeArgocd(master: SshTarget): Promise<boolean> {
  return change(master, false);
}

async function change(master: SshTarget, hold: boolean): Promise<boolean> {
  const said = await mustPython(
    master,
    PROGRAM,
    { hold },
    {
      timeout: PATIENCE,
      what: hold ? "ArgoCD can't be held" : "ArgoCD is held and can't be let go on",
      fix: "infra-k3s status; then run this again",
    },
  );
  return ChangedSchema.parse(JSON.parse(said)).changed;
}
