import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { run } from "../tools/process/process.ts";
import { withData } from "../tools/ssh/python.ts";
import type { KubernetesObject } from "./canonical.ts";

vi.setConfig({ testTimeout: 60_000 });

const K3S = `#!/bin/sh
cd "$LOOK"
echo "$*" >>asked
case "$*" in
  *"--raw=/version"*) echo '{"gitVersion": "v1.36.3+k3s1"}' ;;
  *api-resources*) cat resources; cat failing >&2; test ! -s failing ;;
  *) cat things ;;
esac
`;
const base64 = (text: string) => Buffer.from(text).toString("base64");
const secret = (name: string, password: string) => ({
  apiVersion: "v1",
  kind: "Secret",
  metadata: {
    name,
    namespace: "shop",
    managedFields: [{ manager: "kubectl" }],
    annotations: {
      "kubectl.kubernetes.io/last-applied-configuration": `{"data": {"password": "${base64(password)}"}}`,
      mine: "stays",
    },
  },
  type: "Opaque",
  data: { password: base64(password), empty: "" },
});

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "infra-k3s-objects-"));
  writeFileSync(join(folder, "k3s"), K3S);
  chmodSync(join(folder, "k3s"), 0o755);
  writeFileSync(join(folder, "resources"), "configmaps\nevents\nsecrets\npods.metrics.k8s.io\n");
  writeFileSync(join(folder, "failing"), "");
  const configMap = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "c" }, data: { ä: "€" } };
  const items = [secret("a", "hunter2"), secret("b", "hunter2"), secret("c", "hunter3"), configMap];
  writeFileSync(join(folder, "things"), JSON.stringify({ kind: "List", items }));
});
afterEach(() => rmSync(folder, { recursive: true }));

async function objects(key = "00".repeat(32)) {
  const program = readFileSync(join(import.meta.dirname, "objects.py"), "utf8");
  const { exitCode, stdout, stderr } = await run({
    argv: ["python3", "-"],
    stdin: withData(program, { key, without: ["events", "pods.metrics.k8s.io"] }),
    env: { PATH: `${folder}:${process.env["PATH"] ?? ""}`, LOOK: folder },
  });
  const lines = stdout.split("\n").filter((line) => line !== "");
  const told = lines.map(
    (line) => JSON.parse(line) as { k3s?: string; object?: KubernetesObject; end?: number },
  );
  const secrets = told.flatMap(({ object }) => (object?.kind === "Secret" ? [object as unknown as ReturnType<typeof secret>] : [])); // prettier-ignore
  return { exitCode, stdout, stderr, told, secrets };
}

test("of a Secret only what the key makes of its values leaves the master: equal ones alike", async () => {
  const { stdout, told, secrets } = await objects();

  expect(stdout).not.toMatch(/hunter|aHVudGVy/);
  expect([told[0], told.at(-1)]).toEqual([{ k3s: "v1.36.3+k3s1" }, { end: 4 }]);
  const [a, b, c] = secrets;
  expect(a?.data.password).toMatch(/^hmac-sha256:[0-9a-f]{64}$/);
  expect(b?.data.password).toBe(a?.data.password);
  expect(c?.data.password).not.toBe(a?.data.password);
  expect(a?.metadata.annotations).toEqual({ mine: "stays" });
  expect(told.find(({ object }) => object?.kind === "ConfigMap")?.object).toMatchObject({ data: { ä: "€" } });
});

test("with another key every value is another, too", async () => {
  const [one, other] = await Promise.all([objects(), objects("11".repeat(32))]);

  expect(other.secrets[0]?.data.password).not.toBe(one.secrets[0]?.data.password);
});

test("all kinds that can be listed are asked for at once, but for those that are left out", async () => {
  await objects();

  const asked = readFileSync(join(folder, "asked"), "utf8").trim().split("\n");
  expect(asked).toHaveLength(3);
  expect(asked.at(-1)).toContain(" get configmaps,secrets --all-namespaces ");
});

const failing = (group: string) =>
  writeFileSync(
    join(folder, "failing"),
    `error: unable to retrieve the complete list of server APIs: ${group}/v1beta1: the server is currently unable to handle the request\n`,
  );

test("an API that does not answer is a failure, unless nothing of it is wanted", async () => {
  failing("metrics.k8s.io");
  expect(await objects()).toMatchObject({ exitCode: 0 });

  writeFileSync(join(folder, "failing"), "error: the server has asked for the client to provide credentials\n");
  expect(await objects()).toMatchObject({ exitCode: 1, stderr: expect.stringContaining("credentials") as string });

  failing("custom.example.com");
  expect(await objects()).toMatchObject({ exitCode: 1, told: [], stderr: expect.stringContaining("custom.example.com") as string });
}); // prettier-ignore
