import { checkCredentials } from "../doctor/credentials/check.ts";
import type { CredentialFinding } from "../doctor/credentials/finding.ts";
import { EXIT, type ExitCode } from "../output/errors.ts";
import type { Io } from "../output/io.ts";
import { type ClusterOption, openCluster } from "./cluster.ts";

/** The shape of `doctor credentials --json`. */
export interface CredentialDiagnosis {
  cluster: string;
  /** None is known to be no good. */
  ok: boolean;
  findings: CredentialFinding[];
}

const MARKS = { ok: "✔", failed: "✘", unknown: "?" } as const;

/** Asks every provider of the cluster what its credential may; makes nothing. */
export async function runDoctorCredentials(
  options: ClusterOption & { json: boolean },
  io: Io,
): Promise<ExitCode> {
  const { model, secrets } = openCluster(options);
  const findings = await checkCredentials(model, secrets);
  const ok = findings.every(({ state }) => state !== "failed");
  const diagnosis: CredentialDiagnosis = { cluster: model.name, ok, findings };
  const lines = findings.map(
    ({ provider, variables, state, message, fix }) =>
      `${MARKS[state]} ${provider} (${variables.join(", ")}): ${message}\n${fix === "" ? "" : `    fix: ${fix}\n`}`,
  );
  io.out(options.json ? `${JSON.stringify(diagnosis)}\n` : lines.join(""));
  return ok ? EXIT.ok : EXIT.failed;
}
