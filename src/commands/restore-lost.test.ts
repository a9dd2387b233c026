import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { json, runWith } from "../tools/velero/k3s.fake.ts";
import { newestGood } from "./restore-cluster-volumes.ts";
import { parseListed } from "./restore-lost.ts";

// Each starts Python, on a machine that may be busy.
vi.setConfig({ testTimeout: 120_000 });
const program = (name: string) => readFileSync(join(import.meta.dirname, `restore-lost-${name}.py`), "utf8");

const owner = (kind: string, name: string) => [{ kind, name, controller: true }];
const uses = (...claims: string[]) => ({
  volumes: claims.map((claimName) => ({ name: claimName, persistentVolumeClaim: { claimName } })),
});
const pod = (name: string, claims: string[], ownerReferences: object[] = [], phase = "Running") => ({
  kind: "Pod",
  metadata: { namespace: "shop", name, ownerReferences },
  spec: uses(...claims),
  status: { phase },
});
const claim = (name: string, ownerReferences: object[] = []) => ({
  kind: "PersistentVolumeClaim",
  metadata: { namespace: "shop", name, ownerReferences },
});
const volume = (name: string, node: string, source: object = { local: { path: `/storage/${name}` } }) => ({
  kind: "PersistentVolume",
  metadata: { name: `pv-${name}` },
  spec: {
    ...source,
    claimRef: { namespace: "shop", name },
    nodeAffinity: {
      required: { nodeSelectorTerms: [{ matchExpressions: [{ key: "kubernetes.io/hostname", values: [node] }] }] },
    },
  },
  status: { phase: "Bound" },
}); // prettier-ignore

const maker = (kind: string, name: string, spec: object, ownerReferences: object[] = []) => ({
  kind,
  metadata: { namespace: "shop", name, ownerReferences },
  spec,
});

test("volumes of nodes' own disks are found, and what makes the pods of their claims", async () => {
  const items = [
    volume("web", "hetzner-1"),
    volume("data-db-0", "vultr-1"),
    volume("nfs", "vultr-1", { nfs: { path: "/x" } }),
    volume("scratch", "hetzner-1"),
    claim("web"),
    claim("data-db-0"),
    claim("data-db-x"),
    claim("scratch", owner("Pod", "p")),
    maker("Deployment", "web", { template: { spec: uses("web") } }),
    maker("ReplicaSet", "web-1", { template: { spec: uses("web") } }, owner("Deployment", "web")),
    pod("web-1-x", ["web"], owner("ReplicaSet", "web-1")),
    maker("StatefulSet", "db", { template: { spec: {} }, volumeClaimTemplates: [{ metadata: { name: "data" } }] }),
    pod("pg-1", ["pg"], owner("Cluster", "pg")),
    pod("job-1", ["web"], owner("Job", "ended"), "Succeeded"),
    pod("bare", ["web"]),
  ]; // prettier-ignore
  const { lines, stderr } = await runWith(program("look"), {}, [["get", [json({ items })]]]);

  expect(stderr).toBe("");
  const [look] = lines as {
    volumes: unknown;
    workloads: { kind: string; name: string; claims: string[] }[];
  }[];
  expect(look?.volumes).toEqual([
    { volume: "pv-web", claim: "shop/web", node: "hetzner-1", path: "/storage/web" },
    { volume: "pv-data-db-0", claim: "shop/data-db-0", node: "vultr-1", path: "/storage/data-db-0" },
  ]);
  expect(look?.workloads.map(({ kind, name, claims }) => [kind, name, ...claims])).toEqual([
    ["Deployment", "web", "shop/web"],
    ["StatefulSet", "db", "shop/data-db-0"],
    ["Cluster", "pg", "shop/pg"],
  ]);
});

const lost = {
  restore: "after-loss-1",
  claims: [{ volume: "pv-web", claim: "shop/web" }],
  workloads: [
    { kind: "Deployment", namespace: "shop", name: "web" },
    { kind: "StatefulSet", namespace: "shop", name: "db" },
  ],
  pods: ["shop/web-1-x"],
  withheld: ["shop/other-1", "shop/there-1", "gone/x"],
};

test("what is lost is taken out in an order in which nothing else goes: the volume is kept, a StatefulSet's other pods stay", async () => {
  const { asked, lines, stderr } = await runWith(program("remove"), lost, [
    ["restores.velero.io", [{}]],
    ["get persistentvolumes", [json({ items: [volume("web", "hetzner-1"), volume("kept", "hetzner-1")] })]],
    ["get pods,replicasets", [json({ items: [{ ...pod("web-1-y", ["web"]) }, claim("web"), claim("kept")] }), json({ items: [claim("kept")] })]],
    ["get persistentvolume pv-web", [json({ kind: "PersistentVolume" }), {}]],
    ["get namespaces", [json({ items: [{ metadata: { name: "shop" } }] })]],
    ["get pods --all", [json({ items: [pod("there-1", [])] })]],
    ["", [{}]],
  ]); // prettier-ignore

  expect([stderr, lines]).toEqual(["", [{ removed: true }]]);
  const did = asked.map(({ args }) => args).filter((args) => /patch|delete|create/.test(args));
  expect(did[0]).toMatch(/patch persistentvolume pv-web .*Retain/);
  expect(did.find((args) => args.includes("deployments.apps web"))).toContain("--cascade=background");
  expect(did.find((args) => args.includes("statefulsets.apps db"))).toContain("--cascade=orphan");
  for (const gone of [
    "delete pod web-1-x",
    "delete pod web-1-y",
    "delete persistentvolumeclaim web",
    "delete persistentvolume pv-web",
  ])
    expect(did).toContainEqual(expect.stringContaining(gone));
  expect(did.some((args) => args.includes("kept"))).toBe(false);
  const made = asked.filter(({ args }) => args.includes("create")).map(({ given }) => JSON.parse(given) as ReturnType<typeof pod>); // prettier-ignore
  expect(made.map(({ metadata }) => metadata.name)).toEqual(["other-1"]);
  expect(made[0]?.spec).toMatchObject({ schedulingGates: [{ name: "infra-k3s/withheld" }] });
});

test("where the Restore is there nothing is removed: what is on its way back would be", async () => {
  const { asked, lines } = await runWith(program("remove"), lost, [["restores.velero.io", [json({})]]]);

  expect(lines).toEqual([{ removed: false }]);
  expect(asked).toHaveLength(1);
});

const now = () => new Date(Date.now() + 60_000).toISOString().replace(/\.\d+Z/, "Z");
const location = (phase: string, lastValidationTime: string) =>
  json({ items: [{ status: { phase, lastValidationTime, message: "no such bucket" } }] });
const agents = (numberReady: number) => json({ status: { numberReady, desiredNumberScheduled: 2 } });

test("Velero is waited for until it has looked at its bucket anew and knows all of the backup's volumes", async () => {
  const { exitCode, lines, stderr } = await runWith(program("ready"), { backup: "b1", volumes: 2, patience: 60 }, [
    ["backupstoragelocations", [location("Available", "2020-01-01T00:00:00Z"), location("Available", now())]],
    ["daemonset node-agent", [agents(2)]],
    ["podvolumebackups", [json({ items: [{}] }), json({ items: [{}, {}] })]],
    ["backups.velero.io b1", [json({})]],
  ]); // prettier-ignore

  expect([exitCode, stderr]).toEqual([0, ""]);
  expect(lines).toEqual([
    { progress: "Velero has not looked at its bucket yet: its pod does not run" },
    { progress: "Velero knows 1 of the backup's 2 volumes" },
  ]);
});

test("a Velero that does not reach its bucket is told with its words, and nothing goes on", async () => {
  const { exitCode, stderr } = await runWith(program("ready"), { backup: "b1", volumes: 1, patience: 0 }, [
    ["backupstoragelocations", [location("Unavailable", now())]],
  ]);

  expect([exitCode, stderr.trim()]).toEqual([1, "Velero does not reach its bucket: no such bucket"]);
});

const listed = (name: string, snapshotID: string) => ({
  metadata: { annotations: { "velero.io/pvc-name": name } },
  spec: { pod: { namespace: "shop", name: "web-1" }, volume: "data" },
  status: { snapshotID },
});

test("of a backup's lists the claims with files, the count of volumes and the pods are read", () => {
  expect(
    parseListed([listed("data", "k1"), listed("empty", "")], {
      "v1/Pod": ["shop/web-1"],
      "v1/Secret": ["x"],
    }),
  ).toEqual({ saved: [{ claim: "shop/data", pod: "shop/web-1" }], count: 2, pods: ["shop/web-1"] });
  expect(parseListed(undefined, undefined)).toEqual({ saved: [], count: 0, pods: [] });
});

const backup = (name: string, phase: string) => ({ name, phase, at: "", expires: null, errors: 0, warnings: 0 }); // prettier-ignore

test("the newest good backup is one that is Completed", () => {
  expect(newestGood([backup("c", "PartiallyFailed"), backup("b", "Completed"), backup("a", "Completed")])?.name).toBe("b"); // prettier-ignore
  expect(newestGood([backup("c", "Failed")])).toBeUndefined();
});
