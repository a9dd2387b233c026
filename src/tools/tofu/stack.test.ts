import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { SECRET_NAMES, type Secrets } from "../secrets/envrc.ts";
import { apply, init, outputs, plan, type Stack, stateList } from "./stack.ts";

/** A program that notes how it was called and says what the test wants: the real one is run in the sandbox's tests. */
let stack: Stack;
let folder: string;
const secrets = Object.fromEntries(SECRET_NAMES.map((name) => [name, `CANARY-${name}`])) as Secrets;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "infra-k3s-tofu-"));
  mkdirSync(join(folder, "tofu/stacks/hetzner"), { recursive: true });
  stack = {
    tofu: join(folder, "tofu-program"),
    root: folder,
    name: "hetzner",
    secrets,
    logFile: join(folder, "log"),
  };
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

function says(script: string): void {
  const note = `echo "$@" >> '${folder}/calls'; env > '${folder}/env'`;
  writeFileSync(stack.tofu, `#!/bin/sh\n${note}\n${script}\n`);
  chmodSync(stack.tofu, 0o755);
}
const calls = () => readFileSync(join(folder, "calls"), "utf8").replaceAll(folder, "ROOT").trim().split("\n");
const seen = () => readFileSync(join(folder, "env"), "utf8");

test("a stack sees its own provider's credentials and the state's, and nobody else's", async () => {
  vi.stubEnv("TF_REATTACH_PROVIDERS", "{}");
  vi.stubEnv("TF_VAR_hcloud_token", "not from here");
  vi.stubEnv("TF_CLI_CONFIG_FILE", join(folder, "not there"));
  says("");
  await init(stack);
  const canaries = [...seen().matchAll(/^(\w+)=CANARY-(\w+)$/gm)].map(([, name, value]) => [name, value]);
  expect(canaries.sort(([a = ""], [b = ""]) => a.localeCompare(b))).toEqual([
    ["AWS_ACCESS_KEY_ID", "TF_VAR_state_access_key_id"],
    ["AWS_SECRET_ACCESS_KEY", "TF_VAR_state_secret_access_key"],
    ["TF_VAR_hcloud_token", "TF_VAR_hcloud_token"],
    ["TF_VAR_state_passphrase", "TF_VAR_state_passphrase"],
  ]);
  expect(seen()).toContain("TF_REATTACH_PROVIDERS={}");
  expect(seen()).not.toContain("TF_CLI_CONFIG_FILE");
});

/** A file of the stack. */
const file = (path: string) => join(folder, "tofu/stacks/hetzner", path);

test("a stack is opened once, and again when anything of it is another", async () => {
  says(`mkdir -p '${file(".terraform")}'; echo '{}' > '${file(".terraform/terraform.tfstate")}'`);
  const changes: (() => void)[] = [
    () => undefined,
    () => writeFileSync(file("main.tf"), "# another"),
    () => rmSync(file(".terraform"), { recursive: true }),
    () => vi.stubEnv("TF_REATTACH_PROVIDERS", "{}"),
  ];
  for (const [index, change] of changes.entries()) {
    change();
    await init(stack);
    await init(stack);
    expect(calls()).toHaveLength(index + 1);
  }
  says("exit 1");
  writeFileSync(file("main.tf"), "# broken");
  await expect(init(stack)).rejects.toThrow("tofu init");
  await expect(init(stack)).rejects.toThrow("tofu init");
});

test("plan, then apply of that plan; sensitive output goes into no log", async () => {
  says('case "$2" in show) echo \'{"resource_changes":[]}\';; *) echo \'{"type":"version"}\';; esac');
  const planned = await plan(stack, {
    destroy: true,
    targets: ["hcloud_server.a"],
    exclude: ["b"],
    variables: { c: "d" },
  });
  expect(planned).toMatchObject({ empty: true, changes: [] });
  await apply(stack, planned);
  expect(calls()).toEqual([
    "-chdir=ROOT/tofu/stacks/hetzner plan -json -input=false -out=ROOT/.infra-k3s/plans/hetzner -destroy -target=hcloud_server.a -exclude=b -var=c=d",
    "-chdir=ROOT/tofu/stacks/hetzner show -json ROOT/.infra-k3s/plans/hetzner",
    "-chdir=ROOT/tofu/stacks/hetzner apply -json -input=false ROOT/.infra-k3s/plans/hetzner",
  ]);
  says('echo \'{"dns01_token":{"value":"CANARY-1","sensitive":true}}\'');
  expect(await outputs(stack)).toEqual({ dns01_token: "CANARY-1" });
  expect(readFileSync(stack.logFile, "utf8")).not.toMatch(/CANARY|resource_changes/);
});

test("apply tells its progress, and fails with OpenTofu's words", async () => {
  says(`cat <<'END'
{"type":"apply_start","hook":{"resource":{"addr":"hcloud_server.a"},"action":"create"}}
{"type":"apply_errored","hook":{"resource":{"addr":"hcloud_server.a"},"action":"create","elapsed_seconds":3}}
{"type":"diagnostic","diagnostic":{"severity":"error","summary":"server limit reached","detail":""}}
END
exit 1`);
  const told: string[] = [];
  await expect(
    apply(stack, { file: "plan" }, ({ address, state }) => told.push(`${address} ${state}`)),
  ).rejects.toThrow(/tofu apply of the stack hetzner failed[^]*server limit reached/);
  expect(told).toEqual(["hcloud_server.a start", "hcloud_server.a failed"]);
});

test("a failure in frames and colours is told plainly", async () => {
  says(
    "printf '\\033[31m╷\\033[0m\\n\\033[31m│\\033[0m \\033[1mError: no bucket\\033[0m\\n╵\\n' >&2; exit 1",
  );
  await expect(init(stack)).rejects.toThrow("why: Error: no bucket");
});

test("a state that is not there yet is empty", async () => {
  says("echo 'No state file was found!' >&2; exit 1");
  expect(await stateList(stack)).toEqual([]);
  says("printf 'hcloud_server.a\\nhcloud_firewall.b\\n'");
  expect(await stateList(stack)).toEqual(["hcloud_server.a", "hcloud_firewall.b"]);
});
