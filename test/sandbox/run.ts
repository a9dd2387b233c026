import { rmSync } from "node:fs";
import { parseArgs } from "node:util";
import { traces } from "../../sandbox/lifecycle/leaks.ts";
import { allLost } from "./all-lost.ts";
import { backups } from "./backup.ts";
import { nodes } from "./day2.ts";
import { drilled } from "./drill.ts";
import { doctors } from "./doctor.ts";
import { faults } from "./faults.ts";
import { frontFaults } from "./faults-front.ts";
import { meshFaults } from "./faults-mesh.ts";
import { commits, gitops } from "./gitops.ts";
import { continuity } from "./gitops-continuity.ts";
import { gitopsFaults } from "./gitops-faults.ts";
import { guards } from "./gitops-guards.ts";
import { manifests } from "./gitops-manifests.ts";
import { ways } from "./gitops-ways.ts";
import { hardening } from "./hardening.ts";
import { clouds } from "./clouds.ts";
import { type Case, command, Runner } from "./harness.ts";
import { interruption } from "./interruption.ts";
import { isolation } from "./isolation.ts";
import { links } from "./links.ts";
import { mainJob } from "./main-job.ts";
import { masterLost } from "./master-lost.ts";
import { behindNat } from "./nat.ts";
import { caches, infra, makeClone, work, keeps } from "./place.ts";
import { plans } from "./plan.ts";
import { policies } from "./policy.ts";
import { podNetworking } from "./pods.ts";
import { recoveryKits } from "./recovery-kit.ts";
import { restarts } from "./restarts.ts";
import { roles } from "./roles.ts";
import { runbookCases } from "./runbooks.ts";
import { secondLine } from "./second-line.ts";
import { secretHygiene } from "./secrets.ts";
import { proxied } from "./edge.ts";
import { bare, ends, servers } from "./servers.ts";
import { services } from "./services.ts";
import { standIn } from "./stand-in.ts";
import { storage } from "./storage.ts";
import { openTofu } from "./tofu.ts";
import { goldens } from "./topologies.ts";
import { tutorial } from "./tutorial.ts";
import { volumes } from "./velero.ts";
import { vultr } from "./vultr.ts";

/**
 * End to end, on two sandboxes side by side: `cluster`, with all that needs one, and `clouds`, with all that needs only
 * servers. Each: read-only looks first, then changes and faults, and down at the end.
 */
const { values } = parseArgs({
  options: {
    deadline: { type: "string", default: String(75 * 60) },
    /** Run the cases whose name matches, and what they need before them. */
    grep: { type: "string", default: "" },
    /** One of the two, by itself. */
    suite: { type: "string" },
    /** Use the caches of the caller: place.ts. */
    warm: { type: "boolean", default: false },
    /** Leave it standing: place.ts. */
    keep: { type: "string" },
    /** Also what CI has no time for: harness.ts. */
    full: { type: "boolean", default: false },
  },
});

if (process.getuid?.() !== 0) {
  console.error("the sandbox tests need root: namespaces and containers");
  process.exit(1);
}
const before = await traces();
/** What a commit changes, of a cluster that follows git. */
const byGit = [...commits, ...guards, ...manifests, ...gitopsFaults, ...continuity, ...ways, ...tutorial];
/** What changes nothing, beside what waits for ArgoCD most of the time. */
const looks = [...podNetworking, ...storage, ...policies];
/** On a cluster that follows no repository. */
const oneByOne = [
  ...mainJob,
  ...links,
  ...behindNat,
  ...hardening,
  ...restarts,
  ...doctors,
  ...plans,
  ...nodes,
  ...faults,
  ...frontFaults,
  ...meshFaults,
  ...interruption,
  ...secretHygiene,
];
/** On one that does. */
const following = [...gitops, ...volumes, ...recoveryKits, ...backups, ...secondLine, ...byGit, ...goldens];
/** What is lost, last of all: the cluster goes back in time. A drill, which leaves it as it is, needs its hosts' place. */
const losses = [...drilled, ...runbookCases, ...masterLost, ...allLost];
const suites: Record<string, readonly Case[]> = {
  cluster: [...oneByOne, ...following, ...looks, ...losses],
  clouds: [
    ...bare,
    ...servers,
    ...proxied,
    ...openTofu,
    ...clouds,
    ...vultr,
    ...ends,
    // What needs none of its servers, when they are gone: the machine has few inotify instances.
    ...services,
    ...roles,
    ...standIn,
  ],
};
const wanted = (cases: readonly Case[]) => cases.filter(({ full }) => values.full || full !== true);
const matching = (cases: readonly Case[]) =>
  wanted(cases).filter(({ name }) => new RegExp(values.grep).test(name));
const { cluster = [], clouds: other = [] } = suites;
/** What is asked of the whole machine, when no other sandbox is up: what is left behind. */
const alone = isolation(before);
const suite = values.suite ?? (matching([...cluster, ...alone]).length > 0 ? "cluster" : "clouds");
const [first, ...rest] = suites[suite] ?? [];
if (first === undefined) {
  console.error(`there is no suite ${suite}; suites: ${Object.keys(suites).join(", ")}`);
  process.exit(64);
}

await makeClone();
const runner = new Runner(Number(values.deadline));
await runner.run([first]);
// While the first cases wait for hosts, what `following` will want is built, at the lowest priority.
const built =
  suite === "cluster" && runner.failed === 0 && matching(following).length > 0
    ? infra(["sandbox", "build"], { timeout: 3_600_000 })
    : undefined;
const beside =
  suite === "cluster" && values.suite === undefined && matching(other).length > 0 ? runClouds() : undefined;
if (suite === "cluster") {
  await runner.run(matching(oneByOne.slice(1)));
  await built;
  await Promise.all([runner.run(matching(following)), runner.run(matching(looks))]);
  // Nothing else has a cluster meanwhile, nor hosts.
  await beside;
  await runner.run(matching(losses));
} else await runner.run(matching(rest));
const counts = await beside;
const last = suite === "cluster" ? alone : [];
await runner.run(matching(last));
if (!keeps) {
  await infra(["sandbox", "down"]);
  rmSync(work, { recursive: true, force: true });
}

const passed = runner.passed + (counts?.passed ?? 0);
const failed = runner.failed + (counts?.failed ?? 0);
const declared = values.suite === undefined ? [...cluster, ...other, ...last] : [first, ...rest, ...last];
const all = wanted(declared);
if (all.length < declared.length)
  console.log(`left to npm run test:full: ${declared.length - all.length} cases of ${declared.length}`);
// Once more at the end: a long log is often read from there.
for (const said of [...runner.failures, ...(counts?.failures ?? [])]) console.log(said);
console.log(`${passed} passed, ${failed} failed, ${all.length - passed - failed} skipped`);
process.exitCode = failed === 0 && passed > 0 ? 0 : 1;

/** The suite `clouds` in a process of its own, with what this one has built; its lines are printed when it has ended. */
async function runClouds(): Promise<Pick<Runner, "passed" | "failed" | "failures">> {
  const args = ["--warm", "--suite=clouds", `--grep=${values.grep}`, `--deadline=${runner.secondsLeft()}`];
  if (values.full) args.push("--full");
  const { stdout, stderr } = await command(
    [process.execPath, ...process.execArgv, import.meta.filename, ...args],
    { env: { XDG_CACHE_HOME: caches }, timeout: (runner.secondsLeft() + 60) * 1000 },
  );
  process.stderr.write(stderr);
  const [line, ...found] = /^(\d+) passed, (\d+) failed, \d+ skipped$/m.exec(stdout) ?? [];
  console.log(line === undefined ? stdout : stdout.replace(line, "").trimEnd());
  const failures = new Set(Array.from(stdout.matchAll(/^FAILED  .*(\n {8}.*)*/gm), ([said]) => said));
  // A suite that did not come to its end has failed, whatever it showed.
  return { passed: Number(found[0] ?? 0), failed: Number(found[1] ?? 1), failures: [...failures] };
}
