import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { json, runWith } from "./k3s.fake.ts";

// Each starts Python, on a machine that may be busy.
vi.setConfig({ testTimeout: 60_000 });

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "infra-k3s-namespaces-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const kept = () => join(folder, "infra-k3s-restore-1.json");
/** With the Secrets kept aside where a test may write. */
const program = () =>
  readFileSync(join(import.meta.dirname, "namespaces.py"), "utf8").replace(
    "/var/lib/rancher/k3s/server",
    folder,
  );
const run = (data: object, rules: Parameters<typeof runWith>[2]) =>
  runWith(program(), { id: "1", namespaces: ["shop"], ...data }, rules);

const list = (...items: object[]) => json({ kind: "List", items });
const named = (name: string, rest: object = {}) => ({ metadata: { name }, ...rest });
const secret = (name: string, type = "Opaque") => ({
  apiVersion: "v1",
  kind: "Secret",
  metadata: { name, namespace: "shop", uid: "u", resourceVersion: "7", labels: { a: "b" } },
  type,
  data: { key: "dmFsdWU=" },
});

test("a look tells what Velero has to work with, and what is in the way", async () => {
  const { lines } = await run({ do: "look", restore: "r1" }, [
    ["backupstoragelocations", [json(named("default", { status: { phase: "Available" } }))]],
    ["secret velero-repo-credentials", [json(named("x", { data: { "repository-password": "cGFzcw==" } }))]],
    ["restores.velero.io r1", [{ out: "" }]],
    ["get namespaces", [list(named("shop"), named("other"))]],
    [
      "--namespace shop pods",
      [
        list(
          named("kube-root-ca.crt", { kind: "ConfigMap" }),
          named("data", { kind: "PersistentVolumeClaim" }),
        ),
      ],
    ],
  ]);

  expect(lines).toEqual([
    {
      location: "Available",
      why: "",
      password: "pass",
      restore: null,
      things: { shop: ["persistentvolumeclaim/data"] },
    },
  ]);
});

const location = (phase: string, at: string) =>
  json(named("default", { status: { phase, lastValidationTime: at, message: "no route to host" } }));
const looking = (...looks: ReturnType<typeof json>[]): Parameters<typeof run>[1] => [
  ["backupstoragelocations", looks],
  ["secret velero-repo-credentials", [{ out: "" }]],
  ["restores.velero.io r1", [{ out: "" }]],
  ["namespaces", [list()]],
];

test("a bucket that Velero could not reach is judged by its next look, not by its last", async () => {
  const back = await run(
    { do: "look", restore: "r1" },
    looking(location("Unavailable", "t1"), location("Unavailable", "t1"), location("Available", "t2")),
  );
  const gone = await run(
    { do: "look", restore: "r1" },
    looking(location("Unavailable", "t1"), location("Unavailable", "t2")),
  );

  expect(back.lines[0]).toMatchObject({ location: "Available" });
  expect(gone.lines[0]).toMatchObject({ location: "Unavailable", why: "no route to host" });
});

test("the Secrets are kept aside before the namespace goes, for root alone, and those of a run before stay", async () => {
  const first = await run({ do: "clear" }, [
    [
      "--namespace shop secrets",
      [list(secret("own"), secret("token", "kubernetes.io/service-account-token"))],
    ],
    ["delete namespaces shop", [{}]],
    ["namespaces", [list(named("shop")), list(named("shop")), list()]],
  ]);
  const written = readFileSync(kept(), "utf8");
  const again = await run({ do: "clear" }, [["namespaces", [list()]]]);

  expect(first.lines).toEqual([{ kept: 1, deleted: 1 }]);
  expect(statSync(kept()).mode & 0o777).toBe(0o600);
  expect(JSON.parse(written)).toMatchObject({
    items: [{ metadata: { name: "own", namespace: "shop", labels: { a: "b" } }, data: { key: "dmFsdWU=" } }],
  });
  expect(written).not.toContain("resourceVersion");
  expect(first.stdout + first.stderr).not.toContain("dmFsdWU=");
  expect(again.lines).toEqual([{ kept: 1, deleted: 0 }]);
  expect(readFileSync(kept(), "utf8")).toBe(written);
});

test("a namespace that does not go is told with its reason", async () => {
  const stuck = named("shop", { status: { conditions: [{ status: "True", message: "finalizer remains" }] } });
  const { exitCode, stderr } = await runWith(
    program().replace("PATIENCE = 300", "PATIENCE = -1"),
    { id: "1", namespaces: ["shop"], do: "clear" },
    [
      ["secrets", [list()]],
      ["delete", [{}]],
      ["namespaces", [list(stuck)]],
    ],
  );

  expect([exitCode, stderr]).toEqual([
    1,
    expect.stringContaining("shop is not gone after -1 s: finalizer remains"),
  ]);
});

test("namespaces come before their Secrets; of one that was kept, git's does not matter", async () => {
  await run({ do: "clear" }, [
    ["secrets", [list(secret("own"))]],
    ["delete", [{}]],
    ["namespaces", [list(named("shop")), list()]],
  ]);
  const manifest = { apiVersion: "v1", kind: "Namespace", metadata: { name: "shop" } };
  const git = { ...secret("own"), data: { key: "Z2l0" } };
  const { asked, lines } = await run({ do: "fill", manifests: [manifest], secrets: [git, secret("new")] }, [
    ["apply", [{}]],
  ]);
  const given = asked.map(
    (one) => (JSON.parse(one.given) as { items: { kind: string; metadata: { name: string } }[] }).items,
  );

  expect(lines).toEqual([{ secrets: 2 }]);
  expect(given.map((items) => items.map((one) => `${one.kind} ${one.metadata.name}`))).toEqual([
    ["Namespace shop"],
    ["Secret own", "Secret new"],
  ]);
  expect(JSON.stringify(given)).not.toContain("Z2l0");
  const forgotten = await run({ do: "forget" }, []);
  expect([forgotten.exitCode, existsSync(kept())]).toEqual([0, false]);
});

const pod = (name: string, status: object) => ({
  kind: "Pod",
  metadata: { name, namespace: "shop" },
  spec: {},
  status,
});

test("it is waited for pods until they are ready, and those that are not are told with why", async () => {
  const ready = pod("a", { conditions: [{ type: "Ready", status: "True" }] });
  const done = pod("b", { phase: "Succeeded" });
  const stuck = pod("c", {
    containerStatuses: [
      {
        name: "app",
        state: { waiting: { reason: "CreateContainerConfigError", message: "secret x not found" } },
      },
    ],
  });
  const workload = {
    kind: "Deployment",
    metadata: { name: "d", namespace: "shop" },
    spec: { replicas: 2 },
    status: { readyReplicas: 1 },
  };

  const rules = (...answers: ReturnType<typeof list>[]) =>
    [["pods,deployments", answers]] as [string, typeof answers][];
  expect((await run({ do: "wait", seconds: 60 }, rules(list(stuck), list(ready, done)))).lines).toEqual([
    { late: [] },
  ]);
  expect((await run({ do: "wait", seconds: -1 }, rules(list(ready, stuck)))).lines).toEqual([
    { late: [{ name: "shop/c", why: "app: CreateContainerConfigError secret x not found" }] },
  ]);
  expect((await run({ do: "wait", seconds: -1 }, rules(list(ready, workload)))).lines).toEqual([
    { late: [{ name: "shop/d", why: "it has too few pods" }] },
  ]);
});
