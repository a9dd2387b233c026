import type { Look, Miss } from "../doctor/facts.ts";
import type { Finding } from "../doctor/finding.ts";
import { judge } from "../doctor/judge.ts";
import { lookAt } from "../doctor/observe.ts";
import { EXIT, type ExitCode } from "../output/errors.ts";
import type { Io } from "../output/io.ts";
import { table } from "../output/table.ts";
import { writeTree } from "../repository/write.ts";
import { targetOf } from "../stages/context.ts";
import { type NodeStatus, parsePing } from "../stages/verify/parse.ts";
import { type ClusterOption, openCluster, renderCluster } from "./cluster.ts";
import { diagnoseCluster } from "./doctor-cluster.ts";

export interface DoctorOptions extends ClusterOption {
  json: boolean;
}

/** The shape of `doctor --json`. */
export interface Diagnosis {
  cluster: string;
  /** No finding but warnings. */
  ok: boolean;
  findings: Finding[];
  /** The mesh as each host sees every other. */
  pairs: ({ from: string; to: string } & Pick<NodeStatus, "path" | "rttMs">)[];
}

/** Looks at every host at once, in one round trip each, and says what is wrong with it and how to mend it. */
export async function runDoctor(options: DoctorOptions, io: Io): Promise<ExitCode> {
  const cluster = openCluster(options);
  const { model } = cluster;
  // The pinned host keys are among what is rendered.
  writeTree(cluster.root, renderCluster(cluster));
  const [answers, inCluster] = await Promise.all([
    Promise.all(model.nodes.map((node) => lookAt(node, targetOf(cluster, node), model))),
    diagnoseCluster(cluster),
  ]);
  const looks = answers.filter((answer): answer is Look => "facts" in answer);
  const misses = answers.filter((answer): answer is Miss => !("facts" in answer));
  const findings = [...judge(looks, misses, Date.now() / 1000), ...inCluster];
  const diagnosis: Diagnosis = {
    cluster: model.name,
    ok: findings.every(({ severity }) => severity === "warning"),
    findings,
    pairs: looks.flatMap(({ name, facts }) =>
      facts.pairs.map(({ to, ping }) => ({ from: name, to, ...parsePing(ping) })),
    ),
  };
  io.out(options.json ? `${JSON.stringify(diagnosis)}\n` : describe(diagnosis));
  return diagnosis.ok ? EXIT.ok : EXIT.failed;
}

function describe({ cluster, findings, pairs }: Diagnosis): string {
  const rows = pairs.map(({ from, to, path, rttMs }) => [
    from,
    to,
    path,
    rttMs === null ? "" : `${rttMs} ms`,
  ]);
  const told = findings.map(({ check, severity, host, message, fix }) => {
    const text = `${host}: ${check}: ${severity === "warning" ? "warning: " : ""}${message}`;
    return `\n${text.replaceAll("\n", "\n    ")}\n  fix: ${fix}\n`;
  });
  const found = findings.length === 0 ? "no findings" : `${findings.length} findings`;
  return `${cluster}: ${found}\n\n${table(["FROM", "TO", "PATH", "RTT"], rows)}${told.join("")}`;
}
