import { readFileSync } from "node:fs";
import { join } from "node:path";
import { runPython } from "../../tools/ssh/python.ts";
import { type SshTarget, sshVerdict } from "../../tools/ssh/ssh.ts";
import { type ClusterFacts, ClusterFactsSchema } from "./facts.ts";

const LOOK = readFileSync(join(import.meta.dirname, "look.py"), "utf8");

/** One round trip to the master, which asks the API; or why there is no answer. */
export async function lookAtCluster(target: SshTarget): Promise<ClusterFacts | { why: string; fix: string }> {
  const { exitCode, stdout, stderr } = await runPython(target, LOOK, null, { timeout: 90_000 });
  if (exitCode === 0) return ClusterFactsSchema.parse(JSON.parse(stdout));
  if (exitCode === 255) return sshVerdict(stderr, target);
  return { why: stderr.trim().split("\n").at(-1) || "no answer after 90 s", fix: "infra-k3s status" };
}
