import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { ClusterModel, ClusterNode } from "../config/model.ts";
import { runScript, type SshTarget, sshVerdict } from "../tools/ssh/ssh.ts";
import { FactsSchema, type Look, type Miss } from "./facts.ts";

/** Names that every host needs to keep its place in the mesh and its programs up to date. */
const NAMES = ["controlplane.tailscale.com"];
const LOOK = readFileSync(join(import.meta.dirname, "look.py"), "utf8");

/** One round trip to a host, in which it looks at itself and at the way to every other. */
export async function lookAt(
  node: ClusterNode,
  target: SshTarget | undefined,
  model: ClusterModel,
): Promise<Look | Miss> {
  if (target === undefined)
    return {
      name: node.name,
      why: "it has no server in servers.json",
      fix: "infra-k3s up says how to add it",
    };
  const others = model.nodes.filter(({ name }) => name !== node.name);
  const want = {
    unit: node.role === "master" ? "k3s.service" : "k3s-agent.service",
    peers: Object.fromEntries(others.map(({ name, meshName }) => [name, meshName])),
    cluster_dns: model.network.clusterDns,
    names: NAMES,
  };
  // A quoted here-document takes everything as it is; JSON has no line of its own that could end it.
  const script = `python3 -c "$(cat <<'LOOK'\n${LOOK}\nLOOK\n)" <<'WANT'\n${JSON.stringify(want)}\nWANT\n`;
  const asked = Date.now() / 1000;
  const { exitCode, stdout, stderr } = await runScript(target, script, 90_000);
  const answered = Date.now() / 1000;
  if (exitCode === 255) return { name: node.name, ...sshVerdict(stderr, target) };
  if (exitCode !== 0) {
    const why = stderr.trim().split("\n").slice(-3).join("\n") || "no answer after 90 s";
    return { name: node.name, why, fix: `infra-k3s ssh ${node.name}` };
  }
  return { name: node.name, facts: FactsSchema.parse(JSON.parse(stdout)), asked, answered };
}
