import type { ClusterModel, CloudProvider, Server, Servers } from "../../config/model.ts";

/** A server as a stack's output tells it. */
export interface Created {
  cloud: CloudProvider;
  publicIp: string;
  publicIpv6: string | null;
  sshUser: string;
  id: string;
}

/**
 * servers.json after the clouds in `read` have answered, `isAll` of those that could have any: a server keeps the host key that was pinned for it as long as it is the
 * same server (`fresh`: those whose key is still to be pinned), and one that its cloud no longer has is `gone`.
 */
export function merge(
  { model, servers, limit }: { model: ClusterModel; servers: Servers; limit: readonly string[] },
  created: ReadonlyMap<string, Created>,
  { read, isAll }: { read: readonly CloudProvider[]; isAll: boolean },
): { servers: Servers; fresh: string[]; gone: string[] } {
  const about = (name: string) => limit.length === 0 || limit.includes(name);
  const fresh: string[] = [];
  const after: Record<string, Server> = {};
  for (const [name, { cloud: _, ...server }] of created) {
    const before = servers[name];
    const isSame = before !== undefined && before.id === server.id;
    if (!isSame && !about(name)) continue;
    if (!isSame) fresh.push(name);
    after[name] = isSame ? { ...before, ...server } : { ...server, sshHostKey: "" };
  }
  const gone: string[] = [];
  for (const [name, server] of Object.entries(servers)) {
    if (after[name] !== undefined) continue;
    const provider = model.nodes.find((node) => node.name === name)?.provider;
    // One that is no longer declared says not where it stood: it is gone when every cloud was asked, and none has it.
    const asked = provider === undefined ? isAll : read.some((cloud) => cloud === provider);
    if (server.id !== undefined && asked && about(name)) gone.push(name);
    else after[name] = server;
  }
  const order = [...new Set([...model.nodes.map(({ name }) => name), ...Object.keys(after)])];
  return {
    servers: Object.fromEntries(
      order.flatMap((name) => (after[name] === undefined ? [] : [[name, after[name]] as const])),
    ),
    fresh,
    gone,
  };
}
