import assert from "node:assert/strict";
import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cloudflareStore } from "../../sandbox/clouds/cloudflare/api.ts";
import { hetznerStore } from "../../sandbox/clouds/hetzner/api.ts";
import type { Plan } from "../../src/commands/plan.ts";
import type { Case } from "./harness.ts";
import { at, cluster, done, infra, must, withFile } from "./place.ts";

const FILE = join(cluster, "cluster.yaml");
const ENVRC = join(cluster, ".envrc.local");
const CLOUDS = join(cluster, "../clouds");
const hetzner = () => hetznerStore(CLOUDS);

async function plan(...more: string[]): Promise<{ exitCode: number; plan: Plan }> {
  const { exitCode, stdout, all } = await infra(["plan", "--json", ...more]);
  assert.ok(stdout.startsWith("{"), all);
  return { exitCode: exitCode ?? -1, plan: JSON.parse(stdout) as Plan };
}

/** What `up` would do, and what it costs. */
export const plans: readonly Case[] = [
  {
    full: true,
    name: "plan: nothing to do exits 0 and tells what the providers ask a month; what was changed behind its back is named and exits 2",
    async run() {
      const before = await plan();
      const people = await infra(["plan", "--until", "dns"]);
      await must(at("vultr-1", "rm /etc/apt/apt.conf.d/52infra-k3s"));
      const drifted = await plan("--only", "base");
      const repaired = done(await must(infra(["up", "--only", "base", "--json"])));
      const after = await plan("--only", "base");

      assert.deepEqual([before.exitCode, before.plan.changes, before.plan.ok], [0, [], true]);
      assert.deepEqual(before.plan.cost.totals, [
        { currency: "EUR", monthly: 5.49 },
        { currency: "USD", monthly: 61.55 },
      ]);
      assert.match(people.stdout, /nothing to change[\s\S]+hetzner-1 +hetzner fsn1 cx33 +5\.49 EUR/);
      assert.equal(drifted.exitCode, 2);
      assert.deepEqual(
        drifted.plan.changes.map(({ stage, resource }) => [stage, resource.split(":")[0]]),
        [["base", "vultr-1"]],
      );
      assert.equal(repaired.changed, 1);
      assert.equal(after.exitCode, 0);
    },
  },
  {
    name: "plan: a node without a server is to be created; sold out names the next best; a wrong token says whose and which",
    async run() {
      const node = "  - { name: hetzner-9, role: worker, provider: hetzner, region: fsn1, size: cx23 }\n";
      const declared = async (sold: string[]) => {
        hetzner().change((project) => Object.assign(project, { soldOut: sold }));
        return withFile(
          FILE,
          () => appendFileSync(FILE, node),
          () => plan(),
        );
      };
      const fresh = await declared([]);
      const soldOut = await declared(["cx23@fsn1"]);
      hetzner().change((project) => Object.assign(project, { soldOut: [] }));
      const text = readFileSync(ENVRC, "utf8").replace(/(TF_VAR_hcloud_token=').*'/, `$1${"x".repeat(64)}'`);
      const [wrongPlan, wrongUp] = await withFile(
        ENVRC,
        () => writeFileSync(ENVRC, text, { mode: 0o600 }),
        async () => [await infra(["plan"]), await infra(["up"])] as const,
      );
      // Its permissions are taken away, as one does in the dashboard.
      const { tokens } = cloudflareStore(CLOUDS).read();
      const lesser = (all: boolean) =>
        cloudflareStore(CLOUDS).change((account) => {
          for (const policy of account.tokens[0]?.policies ?? [])
            policy.permission_groups = all
              ? (tokens[0]?.policies.find(({ id }) => id === policy.id)?.permission_groups ?? [])
              : policy.permission_groups.slice(0, -1);
        });
      lesser(false);
      const under = await infra(["up"]);
      const doctor = await infra(["doctor", "credentials"]);
      lesser(true);
      const good = await must(infra(["doctor", "credentials"]));

      assert.equal(fresh.exitCode, 2);
      assert.deepEqual(
        fresh.plan.changes.map(({ action, resource }) => `${action} ${resource}`),
        [
          'create hetzner: module.server["hetzner-9"].hcloud_firewall.this',
          'create hetzner: module.server["hetzner-9"].hcloud_server.this',
        ],
      );
      assert.deepEqual(fresh.plan.cost.totals, [
        { currency: "EUR", monthly: 8.98 },
        { currency: "USD", monthly: 61.55 },
      ]);
      assert.equal(soldOut.exitCode, 1);
      assert.match(soldOut.plan.faults[0]?.fix ?? "", /^size: cx33 \(4 cores, 8 GB, 5\.49 EUR a month\)/);
      assert.match(
        wrongPlan.stderr,
        /tofu plan of the stack hetzner failed|Hetzner does not accept the token/,
      );
      for (const [outcome, what] of [
        [
          wrongUp,
          /Hetzner: Hetzner does not know the token[^]*nothing was changed\s+why: TF_VAR_hcloud_token/,
        ],
        [
          under,
          /Cloudflare: the token lacks DNS Write on the zone.*nothing was changed\s+why: TF_VAR_cloudflare/,
        ],
      ] as const) {
        assert.equal(outcome.exitCode, 1);
        assert.match(outcome.stderr, what);
        assert.doesNotMatch(outcome.all, /▸ servers/);
      }
      assert.equal(doctor.exitCode, 1);
      assert.match(doctor.stdout, /✘ Cloudflare[^]*lacks DNS Write/);
      assert.equal(good.stdout.match(/✔/g)?.length, 5, good.stdout);
    },
  },
];
