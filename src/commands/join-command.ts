import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Lock } from "../config/lock.ts";
import type { ClusterModel, ClusterNode } from "../config/model.ts";
import { EXIT, type ExitCode, UserError } from "../output/errors.ts";
import type { Io } from "../output/io.ts";
import { PRODUCT_ROOT } from "../repository/shipped.ts";
import { requireLock } from "../tools/downloads/lock.ts";
import { KEY_SECONDS, mintKey } from "../tools/tailscale/tailscale.ts";
import { type ClusterOption, openCluster } from "./cluster.ts";

export interface JoinCommandOptions extends ClusterOption {
  name: string;
  json: boolean;
}

/** What a person runs on a host that nothing reaches from outside, and the key it asks for there. */
export async function runJoinCommand(options: JoinCommandOptions, io: Io): Promise<ExitCode> {
  const { root, model, secrets } = openCluster(options);
  const node = model.nodes.find(({ name }) => name === options.name);
  if (node?.behindNat !== true) refuse(node, options.name, model);
  const command = joinCommand(model, node, requireLock(root, model));
  // The operator's own key, where there is no client to mint one with.
  const key = secrets.TAILSCALE_OAUTH_CLIENT_ID === undefined ? secrets.TAILSCALE_AUTHKEY : undefined;
  const fresh = key ?? (await mintKey(secrets, model.mesh));
  if (options.json) io.out(`${JSON.stringify({ command, key: fresh, expiresInSeconds: KEY_SECONDS })}\n`);
  else {
    io.out(command);
    io.err(`\nRun the above on ${node.name}. It asks for this join key, which works once, within ${KEY_SECONDS / 60} minutes:\n\n  ${fresh}\n\n`); // prettier-ignore
    io.err(`Then put the line it ends with into servers.json and run: infra-k3s up --limit ${node.name}\n`);
  }
  return EXIT.ok;
}

function refuse(node: ClusterNode | undefined, name: string, { nodes }: ClusterModel): never {
  const awaited = nodes.filter(({ behindNat }) => behindNat).map((one) => one.name);
  throw new UserError(
    node === undefined
      ? {
          what: `there is no node "${name}"`,
          fix: `nodes without an address: ${awaited.join(", ") || "none"}`,
        }
      : {
          what: `${name} needs no such command`,
          why: "it has an address, so infra-k3s reaches it by itself",
          fix: `infra-k3s up --limit ${name}`,
        },
    EXIT.usage,
  );
}

/** Two files and the line that uses them; none holds a secret. */
export function joinCommand(model: ClusterModel, node: ClusterNode, lock: Lock): string {
  const archive = lock.tailscale.files[node.arch];
  if (archive === undefined)
    throw new UserError({ what: `no Tailscale is locked for ${node.arch}`, fix: "infra-k3s init" });
  const script = readFileSync(join(PRODUCT_ROOT, "scripts/join-host"), "utf8");
  const args = [archive.url, archive.sha256, "./tailscaled.service", model.name, node.name, model.mesh.tag];
  return [
    `cat >join-host <<'END'\n${script}END\n`,
    `cat >tailscaled.service <<'END'\n${unit(lock.tailscale.version, node.arch)}END\n`,
    `sudo sh join-host ${args.join(" ")}\n`,
  ].join("");
}

/** The role's own unit, word for word: another one would be replaced, and tailscaled restarted under the connection that does it. */
function unit(version: string, arch: string): string {
  const role = join(PRODUCT_ROOT, "ansible/roles/tailscale");
  const port = /^tailscale_port: (\d+)$/m.exec(readFileSync(join(role, "defaults/main.yml"), "utf8"))?.[1];
  const values: Record<string, string | undefined> = {
    ansible_managed: "Ansible managed",
    tailscale_version: version,
    node_arch: arch,
    tailscale_port: port,
  };
  const template = readFileSync(join(role, "templates/tailscaled.service.j2"), "utf8");
  return template.replaceAll(/\{\{ (\w+) \}\}/g, (_, name: string) => {
    const value = values[name];
    if (value === undefined) throw new Error(`tailscaled.service.j2 asks for ${name}`);
    return value;
  });
}
