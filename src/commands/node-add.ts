import { readFileSync } from "node:fs";
import { join } from "node:path";
import { formatDiagnostic } from "../config/diagnostic.ts";
import { appendItem } from "../config/edit.ts";
import { loadCluster } from "../config/load.ts";
import type { ClusterNode } from "../config/model.ts";
import { EXIT, type ExitCode, UserError } from "../output/errors.ts";
import type { Io } from "../output/io.ts";
import { CLUSTER_FILE } from "../repository/locate.ts";
import { writeAtomically } from "../repository/write.ts";
import { completeLock, LOCK_FILE, readLock } from "../tools/downloads/lock.ts";
import { withLock } from "../tools/lock/lock.ts";
import { type ClusterOption, openCluster } from "./cluster.ts";
import { runUp } from "./up.ts";

/** The node's fields as `cluster.yaml` has them. */
export interface NodeFields {
  role: string;
  provider: string;
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
  const fields = { name, role, provider, region, size, address, arch };
  const existing = model.nodes.find((node) => node.name === name);
  if (existing !== undefined) return refuseOther(existing, fields);
  const file = join(root, CLUSTER_FILE);
  const given = Object.entries(fields).filter((field): field is [string, string] => field[1] !== undefined);
  const text = appendItem(readFileSync(file, "utf8"), ["nodes"], Object.fromEntries(given));
  const loaded = loadCluster(text, CLUSTER_FILE);
  if (!loaded.ok) {
    const what = loaded.diagnostics.map((diagnostic) => formatDiagnostic(diagnostic, text)).join("\n");
    throw new UserError({ what, fix: "correct the flags; nothing was written" }, EXIT.config);
  }
  // The first node of its architecture needs downloads that are not locked yet.
  const before = readLock(root);
  const lock = await completeLock(before, loaded.value, progress);
  if (JSON.stringify(lock) !== JSON.stringify(before)) {
    writeAtomically(join(root, LOCK_FILE), `${JSON.stringify(lock, null, 2)}\n`, 0o644);
  }
  writeAtomically(file, text, 0o644);
  progress(`${name} is declared in ${CLUSTER_FILE}`);
}

/** Said twice is fine, said differently is not. */
function refuseOther(existing: ClusterNode, given: NodeFields): void {
  const differing = (["role", "provider", "region", "size", "address", "arch"] as const).find(
    (field) => given[field] !== undefined && given[field] !== existing[field],
  );
  if (differing === undefined) return;
  throw new UserError(
    {
      what: `${CLUSTER_FILE} declares ${existing.name} already, with ${differing}: ${existing[differing]}`,
      fix: `edit ${CLUSTER_FILE} and run infra-k3s up, or choose another name`,
    },
    EXIT.usage,
  );
}
