import type { ClusterNode } from "../../config/model.ts";
import { runScript, sshVerdict } from "../../tools/ssh/ssh.ts";
import { type ClusterContext, targetOf } from "../context.ts";

export interface ServerObservation {
  node: ClusterNode;
  /** Empty when the host can be used; else what stands in the way and how to mend it. */
  fault: { what: string; why: string; fix: string } | undefined;
  missing: boolean;
  /** It is behind a NAT and has not joined: the others can go on without it. */
  awaited: boolean;
}

/** What K3s needs: https://docs.k3s.io/installation/requirements */
const NEEDED_MEMORY_KB = { master: 1_800_000, worker: 450_000 } as const;
const KNOWN_SYSTEMS = new Set(["debian", "ubuntu"]);

const PROBE = `. /etc/os-release && echo "os=$ID" && sed -n 's/^MemTotal: *\\([0-9]*\\) kB/memory=\\1/p' /proc/meminfo`;

/** Looks at the servers over SSH, all at once. */
export function observe(context: ClusterContext): Promise<ServerObservation[]> {
  const { model, limit } = context;
  const nodes = model.nodes.filter(({ name }) => limit.length === 0 || limit.includes(name));
  return Promise.all(nodes.map((node) => observeOne(context, node)));
}

async function observeOne(context: ClusterContext, node: ClusterNode): Promise<ServerObservation> {
  const target = targetOf(context, node);
  if (target === undefined) {
    return {
      node,
      missing: !node.behindNat,
      awaited: node.behindNat,
      fault: node.behindNat
        ? notJoined(node)
        : {
            what: `${node.name} has no server`,
            why: "servers.json does not name it",
            fix: `create it at ${node.provider} and add ${JSON.stringify(node.name)} with publicIp, sshUser and sshHostKey to servers.json`,
          },
    };
  }
  let probe = await runScript(target, PROBE, 20_000);
  // A connection may get lost; one that stands would have told.
  if (probe.exitCode !== 0 && /timed out/.test(probe.stderr)) probe = await runScript(target, PROBE, 20_000);
  if (probe.exitCode !== 0) {
    return {
      node,
      missing: false,
      awaited: false,
      fault: { what: `${node.name} can't be reached by SSH`, ...sshVerdict(probe.stderr, target) },
    };
  }
  return { node, missing: false, awaited: false, fault: unfit(node, probe.stdout) };
}

/** What stands in the way of a node that has no server yet and can't be reached to get one. */
export function notJoined({ name }: ClusterNode): { what: string; why: string; fix: string } {
  return {
    what: `${name} has not joined yet`,
    why: "it has no address in cluster.yaml, so nothing reaches it from outside, and servers.json does not name it",
    fix: `run there what \`infra-k3s node join-command ${name}\` prints, then \`infra-k3s up --limit ${name}\``,
  };
}

function unfit(node: ClusterNode, probe: string): ServerObservation["fault"] {
  const os = /^os=(.*)$/m.exec(probe)?.[1] ?? "";
  const memory = Number(/^memory=(\d+)$/m.exec(probe)?.[1] ?? 0);
  if (!KNOWN_SYSTEMS.has(os)) {
    return {
      what: `${node.name} runs ${os || "an unknown system"}`,
      why: "the roles are made for Debian and Ubuntu",
      fix: "reinstall the server with Debian 12 or newer",
    };
  }
  if (memory < NEEDED_MEMORY_KB[node.role]) {
    return {
      what: `${node.name} has too little memory: ${Math.round(memory / 1024)} MiB`,
      why: `a ${node.role} needs ${Math.round(NEEDED_MEMORY_KB[node.role] / 1024)} MiB (docs.k3s.io/installation/requirements)`,
      fix: "choose a larger size",
    };
  }
  return undefined;
}
