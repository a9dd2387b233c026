import { join, relative } from "node:path";
import { formatDiagnostics } from "../config/diagnostic.ts";
import { loadCluster } from "../config/load.ts";
import { EXIT, type ExitCode } from "../output/errors.ts";
import type { Io } from "../output/io.ts";
import { chooseRepository, CLUSTER_FILE } from "../repository/locate.ts";
import type { ClusterOption } from "./cluster.ts";
import { readConfigFile } from "./read-file.ts";

export interface ValidateOptions extends ClusterOption {
  json: boolean;
  /** A file to check instead of the repository's `cluster.yaml`. */
  file?: string | undefined;
}

/** Every fault of `cluster.yaml` at once; nothing is reached or changed. */
export function runValidate(options: ValidateOptions, io: Io): ExitCode {
  const path = options.file ?? join(chooseRepository(options.cluster ?? process.env["INFRA_K3S_CLUSTER"], process.cwd()), CLUSTER_FILE); // prettier-ignore
  const content = readConfigFile(path);
  const loaded = loadCluster(content, relative(process.cwd(), path) || path);
  const diagnostics = loaded.ok ? [] : loaded.diagnostics;
  if (options.json) io.out(`${JSON.stringify({ ok: loaded.ok, diagnostics })}\n`);
  else if (loaded.ok) io.out(`${path}: ok, ${loaded.value.nodes.length} nodes\n`);
  else io.err(`${formatDiagnostics(diagnostics, content.toString())}\n`);
  return loaded.ok ? EXIT.ok : EXIT.config;
}
