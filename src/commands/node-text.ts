import { parse } from "yaml";
import { removeItem } from "../config/edit.ts";
import { memberName, poolMember, withCount } from "../config/nodes.ts";
import { EXIT, UserError } from "../output/errors.ts";

/** The text of `cluster.yaml` without the node, its entry or the last of a pool; any other of a pool is refused. */
export function withoutNode(text: string, name: string): string {
  // The node's place in the file: the model has the masters first.
  const { nodes } = parse(text) as { nodes: { name: string }[] };
  const index = nodes.findIndex((node) => node.name === name);
  if (index !== -1) return removeItem(text, ["nodes"], index);
  const member = poolMember(text, name);
  if (member === undefined || member.number > member.pool.count) return text;
  const { pool, number } = member;
  if (number === pool.count) return withCount(text, member, pool.count - 1);
  throw new UserError(
    {
      what: `${name} is not the last of the pool ${pool.name}; nothing was changed`,
      why: `a pool's nodes are numbered without gaps: with one less it would be ${memberName(pool.name, pool.count)} that goes`,
      fix: `infra-k3s node remove ${memberName(pool.name, pool.count)}; or write the pool's nodes as entries of \`nodes:\` with the same names, which changes no host, and remove ${name} then`,
    },
    EXIT.usage,
  );
}
