import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { caches, cluster, infra, stockAnsible } from "../sandbox/place.ts";
import { interleaved, type Sample, timedInfra } from "./measure.ts";
import type { Table } from "./report.ts";

const LOGS = ["requests.jsonl", "r2.jsonl"].map((name) => join(cluster, "../logs", name));
const STACKS = ["hetzner", "vultr", "aws", "cloudflare"];

/** How many calls the vendors' APIs have answered. */
function calls(): number {
  return LOGS.map((file) => readFileSync(file, "utf8").split("\n").length - 1).reduce((a, b) => a + b);
}

/** The shell command that plans the four stacks with OpenTofu alone, at once. */
function tofuPlans(): string {
  const [program = ""] = globSync(join(caches, "infra-k3s/tools/tofu-*/tofu"));
  const plan = `'${program}' -chdir=tofu/stacks/$stack plan -detailed-exitcode -input=false >/dev/null`;
  return `( cd '${cluster}' && set -a && . ./.envrc.local || exit
    AWS_ACCESS_KEY_ID=$TF_VAR_state_access_key_id AWS_SECRET_ACCESS_KEY=$TF_VAR_state_secret_access_key
    for stack in ${STACKS.join(" ")}; do ${plan} & plans="$plans $!"; done
    for plan in $plans; do wait "$plan" || exit; done )`;
}

/** What a person without infra-k3s would do: plan the stacks, which are as declared, and run the playbook over all hosts. */
export function stock(): Promise<Sample> {
  const [first = "", ...rest] = stockAnsible("site.yml");
  const script = rest.at(-1) ?? "";
  return timedInfra(first, ...rest.slice(0, -1), `${tofuPlans()} && ${script}`);
}

/** What `plan` adds to OpenTofu's own plans: prices, switched-off servers, ports opened by hand. */
export async function cloudPlan(rounds: number): Promise<Table> {
  const bare = ["sandbox", "exec", "operator", "--", "sh", "-c", tofuPlans()];
  const counted = { ours: 0, bare: 0 };
  const count = async <T>(name: keyof typeof counted, work: () => Promise<T>): Promise<T> => {
    const before = calls();
    const result = await work();
    counted[name] = calls() - before;
    return result;
  };
  await infra(["plan", "--until", "dns"]);
  const { ours, tofu } = await interleaved(rounds, {
    ours: () => count("ours", () => timedInfra("plan", "--until", "dns")),
    tofu: () => count("bare", () => timedInfra(...bare)),
  });
  return {
    title: "Clouds",
    text: `Calls of the vendors' APIs and of R2: ours ${counted.ours}, OpenTofu alone ${counted.bare}.`,
    rows: [
      {
        what: "`plan --until dns` with nothing to do",
        measured: ours,
        against: "`tofu plan` of the four stacks, at once",
        floor: tofu,
        bound: 3,
      },
    ],
  };
}
