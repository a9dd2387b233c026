import { rmSync } from "node:fs";
import { parseArgs } from "node:util";
import { traces } from "../../sandbox/lifecycle/leaks.ts";
import { nodes } from "./day2.ts";
import { doctors } from "./doctor.ts";
import { faults } from "./faults.ts";
import { hardening } from "./hardening.ts";
import { clouds } from "./clouds.ts";
import { type Case, command, Runner } from "./harness.ts";
import { isolation } from "./isolation.ts";
import { links } from "./links.ts";
import { mainJob } from "./main-job.ts";
import { behindNat } from "./nat.ts";
import { caches, infra, makeClone, work } from "./place.ts";
import { plans } from "./plan.ts";
import { policies } from "./policy.ts";
import { podNetworking } from "./pods.ts";
import { restarts } from "./restarts.ts";
import { roles } from "./roles.ts";
import { secretHygiene } from "./secrets.ts";
import { proxied } from "./edge.ts";
import { bare, ends, servers } from "./servers.ts";
import { services } from "./services.ts";
import { standIn } from "./stand-in.ts";
import { storage } from "./storage.ts";
import { openTofu } from "./tofu.ts";
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
    /** Also what CI has no time for: place.ts. */
    full: { type: "boolean", default: false },
  },
});

if (process.getuid?.() !== 0) {
  console.error("the sandbox tests need root: namespaces and containers");
  process.exit(1);
}
const before = await traces();
const suites: Record<string, readonly Case[]> = {
  cluster: [
    ...mainJob,
    ...roles,
    ...services,
    ...podNetworking,
    ...storage,
    ...policies,
    ...links,
    ...behindNat,
    ...hardening,
    ...restarts,
    ...doctors,
    ...plans,
    ...nodes,
    ...faults,
    ...secretHygiene,
  ],
  clouds: [...bare, ...servers, ...proxied, ...openTofu, ...clouds, ...vultr, ...ends],
};
const matching = (cases: readonly Case[]) => cases.filter(({ name }) => new RegExp(values.grep).test(name));
const { cluster = [], clouds: other = [] } = suites;
/** What is asked of the whole machine, when no other sandbox is up: room for a cluster more, and what was left behind. */
const alone = [...standIn, ...isolation(before)];
const suite = values.suite ?? (matching([...cluster, ...alone]).length > 0 ? "cluster" : "clouds");
const [first, ...rest] = suites[suite] ?? [];
if (first === undefined) {
  console.error(`there is no suite ${suite}; suites: ${Object.keys(suites).join(", ")}`);
  process.exit(64);
}

await makeClone();
const runner = new Runner(Number(values.deadline));
await runner.run([first]);
const beside =
  suite === "cluster" && values.suite === undefined && matching(other).length > 0 ? runClouds() : undefined;
await runner.run(matching(rest));
const counts = await beside;
const last = suite === "cluster" ? alone : [];
await runner.run(matching(last));
await infra(["sandbox", "down"]);
rmSync(work, { recursive: true, force: true });

const passed = runner.passed + (counts?.passed ?? 0);
const failed = runner.failed + (counts?.failed ?? 0);
const all = values.suite === undefined ? [...cluster, ...other, ...last] : [first, ...rest, ...last];
console.log(`${passed} passed, ${failed} failed, ${all.length - passed - failed} skipped`);
process.exitCode = failed === 0 && passed > 0 ? 0 : 1;

/** The suite `clouds` in a process of its own, with what this one has built; its lines are printed when it has ended. */
async function runClouds(): Promise<Pick<Runner, "passed" | "failed">> {
  const args = ["--warm", "--suite=clouds", `--grep=${values.grep}`, `--deadline=${runner.secondsLeft()}`];
  if (values.full) args.push("--full");
  const { stdout, stderr } = await command(
    [process.execPath, ...process.execArgv, import.meta.filename, ...args],
    { env: { XDG_CACHE_HOME: caches }, timeout: (runner.secondsLeft() + 60) * 1000 },
  );
  process.stderr.write(stderr);
  const [line, ...found] = /^(\d+) passed, (\d+) failed, \d+ skipped$/m.exec(stdout) ?? [];
  console.log(line === undefined ? stdout : stdout.replace(line, "").trimEnd());
  // A suite that did not come to its end has failed, whatever it showed.
  return { passed: Number(found[0] ?? 0), failed: Number(found[1] ?? 1) };
}
