import { readFileSync } from "node:fs";
import { join } from "node:path";
import { PRODUCT_ROOT } from "../../repository/shipped.ts";
import { runPython } from "../ssh/python.ts";
import { type SshTarget, sshVerdict } from "../ssh/ssh.ts";
import { NO_BACKUPS, type Survey, SurveySchema } from "./survey.ts";

const FILES = join(PRODUCT_ROOT, "ansible/roles/report/files");
/** Each after those that it imports. */
const MODULES = [
  "causes",
  "seen",
  "volumes",
  "gather",
  "workloads",
  "tls",
  "routing",
  "applications",
  "snapshots",
  "judge",
] as const;

/** Makes modules of the files that the timer on the master runs, too, so that both say the same; writes nothing there. */
export const LOADER = `
import sys, types
for name, text in DATA["modules"].items():
    module = sys.modules[name] = types.ModuleType(name)
    exec(compile(text, name + ".py", "exec"), module.__dict__)
import gather, judge
`;
const LOOK = `${LOADER}print(json.dumps(judge.judged(gather.gathered(), DATA["nodes"])))\n`;

/** What the cluster says of itself and what is wrong with it, in one round trip to the master; `nodes` must be there. */
export async function surveyCluster(target: SshTarget, nodes: readonly string[]): Promise<Survey> {
  const data = { modules: readModules(), nodes };
  const { exitCode, stdout, stderr } = await runPython(target, LOOK, data, { timeout: 90_000 });
  if (exitCode === 0) return SurveySchema.parse(JSON.parse(stdout));
  const last = stderr.trim().split("\n").at(-1) ?? "";
  return unsurveyed(exitCode === 255 ? sshVerdict(stderr, target).why : last || "no answer after 90 s");
}

/** A cluster that could not be asked. */
export function unsurveyed(fault: string): Survey {
  const what = "what is in the cluster could not be looked at";
  const problem = { what, why: fault, fix: "infra-k3s doctor", severity: "error" as const };
  return {
    nodes: [],
    apps: [],
    certificates: [],
    gateways: [],
    routes: [],
    backups: NO_BACKUPS,
    problems: [problem],
    fault,
  };
}

export function readModules(): Record<string, string> {
  return Object.fromEntries(MODULES.map((name) => [name, readFileSync(join(FILES, `${name}.py`), "utf8")]));
}
