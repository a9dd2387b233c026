import { EXIT, type ExitCode } from "../output/errors.ts";
import type { Io } from "../output/io.ts";
import { compareTree, diffTree, writeTree } from "../repository/write.ts";
import { type ClusterOption, openCluster, renderCluster } from "./cluster.ts";

export interface RenderOptions extends ClusterOption {
  json: boolean;
  /** Show what would change, as a unified diff. */
  diff: boolean;
  /** Exit 1 when anything would change. */
  check: boolean;
}

/** Writes the repository's rendered files from `cluster.yaml`, `servers.json` and the lock. */
export function runRender(options: RenderOptions, io: Io): ExitCode {
  const cluster = openCluster(options);
  const tree = renderCluster(cluster);
  const dry = options.diff || options.check;
  const result = dry ? compareTree(cluster.root, tree) : writeTree(cluster.root, tree);
  const count = result.written.length + result.removed.length;
  if (options.diff) io.out(diffTree(cluster.root, tree));
  else if (options.json) io.out(`${JSON.stringify(result)}\n`);
  else io.out(`${tree.size} files, ${count} ${dry ? "to change" : "changed"}\n`);
  return options.check && count > 0 ? EXIT.failed : EXIT.ok;
}
