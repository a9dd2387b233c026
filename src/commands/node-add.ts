import { readFileSync } from "node:fs";
import { join } from "node:path";
import { appendItem } from "../config/edit.ts";
import type { ClusterNode } from "../config/model.ts";
import { memberName, poolMember, withCount } from "../config/nodes.ts";
import { EXIT, type ExitCode, UserError } from "../output/errors.ts";
import type { Io } from "../output/io.ts";
import { CLUSTER_FILE } from "../repository/locate.ts";
import { writeAtomically } from "../repository/write.ts";
import { completeLock, LOCK_FILE, readLock } from "../tools/downloads/lock.ts";
import { withLock } from "../tools/lock/lock.ts";
import { type ClusterOption, openCluster } from "./cluster.ts";
import { requireValid } from "./init-gitops.ts";
import { runUp } from "./up.ts";

/** The node's fields as `cluster.yaml` has them; of a pool's next node they are the pool's. */
export interface NodeFields {
  role?: string | undefined;
  provider?: string | undefined;
  region?: string | undefined;
  size?: string | undefined;
  address?: string | undefined;
  arch?: string | undefined;
}

export interface NodeAddOptions extends ClusterOption, NodeFields {
  name: string;
  json: boolean;
}

/** Declares a node in `cluster.yaml`, then does what `up` does, on its host alone. Killed anywhere, it is run again. */
export async function runNodeAdd(options: NodeAddOptions, io: Io): Promise<ExitCode> {
  const { root } = openCluster(options);
  await withLock(root, "node add", () => declare(root, options, (line) => io.err(`${line}\n`)));
  return runUp({ cluster: root, json: options.json, limit: [options.name] }, io);
}

async function declare(
  root: string,
  { name, role, provider, region, size, address, arch }: NodeAddOptions,
  progress: (line: string) => void,
): Promise<void> {
  const { model } = openCluster({ cluster: root });
  const fields = { role, provider, region, size, address, arch };
  const existing = model.nodes.find((node) => node.name === name);
  if (existing !== undefined) return refuseOther(existing, fields);
  const file = join(root, CLUSTER_FILE);
  const { text, told } = withNode(readFileSync(file, "utf8"), name, fields);
  const declared = requireValid(text);
  // The first node of its architecture needs downloads that are not locked yet.
  const before = readLock(root);
  const lock = await completeLock(before, declared, progress);
  if (JSON.stringify(lock) !== JSON.stringify(before)) {
    writeAtomically(join(root, LOCK_FILE), `${JSON.stringify(lock, null, 2)}\n`, 0o644);
  }
  writeAtomically(file, text, 0o644);
  progress(told);
}

/** The text of `cluster.yaml` with the node: as the next of a pool, or as an entry of its own. */
export function withNode(text: string, name: string, fields: NodeFields): { text: string; told: string } {
  const member = poolMember(text, name);
  if (member !== undefined) {
    const { pool, number } = member;
    const next = pool.count + 1;
    if (number !== next) {
      throw new UserError(
        {
          what: `${name} is not the next of the pool ${pool.name}`,
          why: `a pool's nodes are numbered without gaps, and it has ${pool.count}`,
          fix: `infra-k3s node add ${memberName(pool.name, next)}`,
        },
        EXIT.usage,
      );
    }
    refuseOther({ ...pool, name, address: "" }, fields, `the pool ${pool.name}`);
    return { text: withCount(text, member, next), told: `${name} is declared in ${CLUSTER_FILE}: the pool ${pool.name} has ${next} now` }; // prettier-ignore
  }
  const { role = "worker", provider, ...rest } = fields;
  if (provider === undefined) {
    throw new UserError(
      {
        what: `where does ${name} stand?`,
        why: "it is not the next node of any pool",
        fix: "add --provider, and --region and --size, or --address",
      },
      EXIT.usage,
    );
  }
  const given = Object.entries({ name, role, provider, ...rest }).filter(
    (field): field is [string, string] => field[1] !== undefined,
  );
  return { text: appendItem(text, ["nodes"], Object.fromEntries(given)), told: `${name} is declared in ${CLUSTER_FILE}` }; // prettier-ignore
}

/** Said twice is fine, said differently is not. */
function refuseOther(
  existing: Pick<ClusterNode, "name" | keyof NodeFields>,
  given: NodeFields,
  where = `${existing.name} already`,
): void {
  const differing = (["role", "provider", "region", "size", "address", "arch"] as const).find(
    (field) => given[field] !== undefined && given[field] !== existing[field],
  );
  if (differing === undefined) return;
  throw new UserError(
    {
      what: `${CLUSTER_FILE} declares ${where}, with ${differing}: ${existing[differing]}`,
      fix: `edit ${CLUSTER_FILE} and run infra-k3s up, or choose another name`,
    },
    EXIT.usage,
  );
}
