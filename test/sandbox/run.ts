import { rmSync } from "node:fs";
import { parseArgs } from "node:util";
import { traces } from "../../sandbox/lifecycle/leaks.ts";
import { nodes } from "./day2.ts";
import { doctors } from "./doctor.ts";
import { faults } from "./faults.ts";
import { hardening } from "./hardening.ts";
import { clouds } from "./clouds.ts";
import { runCases } from "./harness.ts";
import { isolation } from "./isolation.ts";
import { links } from "./links.ts";
import { mainJob } from "./main-job.ts";
import { behindNat } from "./nat.ts";
import { infra, makeClone, work } from "./place.ts";
import { plans } from "./plan.ts";
import { policies } from "./policy.ts";
import { podNetworking } from "./pods.ts";
import { restarts } from "./restarts.ts";
import { roles } from "./roles.ts";
import { secretHygiene } from "./secrets.ts";
import { proxied } from "./edge.ts";
import { ends, servers } from "./servers.ts";
import { services } from "./services.ts";
import { standIn } from "./stand-in.ts";
import { storage } from "./storage.ts";
import { openTofu } from "./tofu.ts";
import { vultr } from "./vultr.ts";

/** End to end: one sandbox, read-only looks first, then changes and faults, and down at the end. */
const { values } = parseArgs({
  options: {
    deadline: { type: "string", default: String(75 * 60) },
    /** Run the cases whose name matches, and what they need before them. */
    grep: { type: "string", default: "" },
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
await makeClone();
const cases = [
  ...mainJob,
  ...roles,
  ...servers,
  ...proxied,
  ...services,
  ...standIn,
  ...podNetworking,
  ...storage,
  ...openTofu,
  ...clouds,
  ...vultr,
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
  ...ends,
  ...isolation(before),
];
const [up, ...rest] = cases;
const chosen =
  values.grep === "" ? cases : [up, ...rest.filter(({ name }) => new RegExp(values.grep).test(name))];
const { passed, failed } = await runCases(
  chosen.filter((one) => one !== undefined),
  Number(values.deadline),
);
await infra(["sandbox", "down"]);
rmSync(work, { recursive: true, force: true });
const skipped = cases.length - chosen.length;
console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
process.exitCode = failed === 0 && passed > 0 ? 0 : 1;
