import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { json, NOT_FOUND, runWith } from "./k3s.fake.ts";

// Each starts Python, on a machine that may be busy.
vi.setConfig({ testTimeout: 60_000 });
const program = (name: string) => readFileSync(join(import.meta.dirname, name), "utf8");
const FOLLOW = program("follow.py");
const ARGOCD = program("argocd.py");

const one = (phase: string, status: object = {}) => json({ status: { phase, ...status } });
const volume = (phase: string, bytesDone: number, message = "") => ({
  spec: { volume: "data", pod: { namespace: "shop", name: "shop-0" } },
  status: { phase, message, progress: { bytesDone, totalBytes: 4_000_000 } },
});
const restore = {
  kind: "Restore",
  name: "r1",
  backup: "b1",
  namespaces: ["shop"],
  stalled: 900,
  unreached: 180,
};

test("a Restore is made, followed to its end, and tells how far it is when something has moved", async () => {
  const ended = one("Completed", {
    startTimestamp: "2026-11-26T23:59:50Z",
    completionTimestamp: "2026-11-27T00:01:20Z",
    progress: { totalItems: 9, itemsRestored: 9 },
  });
  const ran = await runWith(FOLLOW, restore, [
    ["restores.velero.io r1", [NOT_FOUND, one("InProgress"), one("InProgress"), ended]],
    ["podvolumerestores.velero.io", [json({ items: [] }), json({ items: [] }), json({ items: [volume("Completed", 4_000_000)] })]],
    ["create", [{}]],
  ]); // prettier-ignore

  expect(ran.stderr).toBe("");
  expect(ran.lines).toEqual([
    { progress: "Velero: InProgress, 0 of 0 objects" },
    { progress: "Velero: Completed, 9 of 9 objects; 1 of 1 volumes, 4.0 MB of 4.0 MB" },
    { outcome: { phase: "Completed", warnings: 0, errors: 0, problems: [], seconds: 90 } },
  ]);
  const made = ran.asked.find(({ args }) => args.includes("create"))?.given ?? "null";
  expect(JSON.parse(made)).toMatchObject({
    kind: "Restore",
    metadata: { name: "r1", namespace: "velero" },
    spec: { backupName: "b1", includedNamespaces: ["shop"], uploaderConfig: { parallelFilesDownload: 16 } },
  });
});

test("a Restore that is there is waited for and not made again", async () => {
  const ran = await runWith(FOLLOW, restore, [
    ["podvolumerestores", [json({ items: [] })]],
    ["restores.velero.io r1", [one("Completed")]],
  ]);

  expect(ran.lines.at(-1)).toMatchObject({ outcome: { phase: "Completed", seconds: 0 } });
  expect(ran.asked.some(({ args }) => args.includes("create"))).toBe(false);
});

test("what failed is told: of itself, of its volumes, and what Velero has in the bucket, errors first", async () => {
  const described = `Name: r1
Warnings:
  Velero:     <none>
  Namespaces:
    shop:  could not restore, ConfigMap "x" already exists
Errors:
  Velero:   pod volume restore failed: get repo
  Cluster:  <none>
`;
  const ran = await runWith(FOLLOW, restore, [
    ["podvolumerestores", [json({ items: [volume("Failed", 0, "invalid repository password")] })]],
    ["restores.velero.io r1", [one("PartiallyFailed", { errors: 1, warnings: 1, failureReason: "some" })]],
    ["/velero restore describe r1", [{ out: described }]],
  ]);

  expect(ran.lines.at(-1)).toEqual({
    outcome: {
      phase: "PartiallyFailed",
      warnings: 1,
      errors: 1,
      seconds: 0,
      problems: [
        "some",
        "the volume data of shop/shop-0 is Failed: invalid repository password",
        "error: Velero: pod volume restore failed: get repo",
        'warning: shop: could not restore, ConfigMap "x" already exists',
      ],
    },
  });
});

test("a Backup is what the schedule would make, without its annotations", async () => {
  const schedule = {
    metadata: { labels: { a: "b" }, annotations: { "argocd.argoproj.io/tracking-id": "velero:x" } },
    spec: { template: { ttl: "336h", excludedResources: ["secrets"] } },
  };
  const ran = await runWith(FOLLOW, { kind: "Backup", name: "b1", stalled: 900, unreached: 180 }, [
    ["podvolumebackups", [json({ items: [] })]],
    ["schedules.velero.io volumes", [json(schedule)]],
    ["backups.velero.io b1", [NOT_FOUND, one("Completed")]],
    ["create", [{}]],
  ]);

  const made = ran.asked.find(({ args }) => args.includes("create"))?.given ?? "null";
  expect(JSON.parse(made)).toEqual({
    apiVersion: "velero.io/v1",
    kind: "Backup",
    metadata: {
      name: "b1",
      namespace: "velero",
      labels: { a: "b", "velero.io/schedule-name": "volumes" },
    },
    spec: schedule.spec.template,
  });
});

const location = (status: object) => json({ metadata: { name: "default" }, status });

test("where nothing moves and Velero can't reach its bucket, it is given up sooner, with Velero's words", async () => {
  const ran = await runWith(FOLLOW, { ...restore, unreached: -1 }, [
    ["podvolumerestores", [json({ items: [volume("InProgress", 0)] })]],
    ["restores.velero.io r1", [one("InProgress")]],
    ["backupstoragelocations", [location({ phase: "Available" }), location({ phase: "Unavailable", message: "no route to host" })]],
  ]); // prettier-ignore

  expect(ran.lines.at(-1)).toMatchObject({
    outcome: {
      phase: "InProgress",
      problems: [
        "Velero can't reach its bucket: no route to host",
        "the volume data of shop/shop-0 is InProgress: ",
      ],
    },
  });
});

test("where nothing moves it is given up, with what is not there", async () => {
  const ran = await runWith(FOLLOW, { ...restore, stalled: -1 }, [
    ["podvolumerestores", [json({ items: [volume("Accepted", 0)] })]],
    ["restores.velero.io r1", [one("InProgress")]],
    ["backupstoragelocations", [json({ status: { phase: "Available" } })]],
  ]);

  expect(ran.lines.at(-1)).toMatchObject({
    outcome: { phase: "InProgress", problems: ["the volume data of shop/shop-0 is Accepted: "] },
  });
});

test("a cluster without Velero, and an API that does not answer, are told in kubectl's words", async () => {
  const none = { err: `error: the server doesn't have a resource type "restores"\n`, code: 1 };
  const ran = await runWith(FOLLOW, restore, [["restores", [none]]]);

  expect([ran.exitCode, ran.stderr.trim()]).toEqual([1, none.err.trim()]);
});

const controller = (replicas: number, note?: string, pods = 0) =>
  json({
    metadata: note === undefined ? {} : { annotations: { "infra-k3s/replicas-before-restore": note } },
    spec: { replicas },
    status: { replicas: pods },
  });
const NONE = { out: "" };
const patched = (ran: { asked: { args: string }[] }) =>
  ran.asked.filter(({ args }) => args.includes("patch")).map(({ args }) => args.slice(args.indexOf("--patch ") + 8)); // prettier-ignore

test("ArgoCD is held: its controllers at 0, noted, and gone before it is said", async () => {
  const ran = await runWith(ARGOCD, { hold: true }, [
    ["patch", [{}]],
    [
      "get --namespace argocd statefulset",
      [controller(1, undefined, 1), controller(0, "1", 1), controller(0, "1")],
    ],
    ["get --namespace argocd deployment", [NONE]],
  ]);

  expect(ran.lines).toEqual([{ changed: true }]);
  expect(patched(ran)).toEqual([
    '{"metadata": {"annotations": {"infra-k3s/replicas-before-restore": "1"}}, "spec": {"replicas": 0}}',
  ]);
  expect(ran.asked.filter(({ args }) => args.includes("get --namespace argocd statefulset")).length).toBe(3);
});

test.each([
  ["held already", controller(0, "1"), true],
  ["at 0 by somebody else's wish, when it is to be held", controller(0), true],
  ["at 0 by somebody else's wish, when it is to go on", controller(0), false],
  ["at work, when it is to go on", controller(1), false],
])("ArgoCD %s is left as it is", async (_, seen, hold) => {
  const ran = await runWith(ARGOCD, { hold }, [["get", [seen]]]);

  expect(ran.lines).toEqual([{ changed: false }]);
  expect(patched(ran)).toEqual([]);
});

const seen = (...times: string[]) =>
  json({ items: times.map((reconciledAt) => ({ status: { reconciledAt } })) });

test("ArgoCD goes on, and has looked at every Application once more before that is said", async () => {
  const [before, after] = ["2026-11-27T06:00:00Z", "2999-01-01T00:00:00Z"];
  const ran = await runWith(ARGOCD, { hold: false }, [
    ["patch", [{}]],
    ["get --namespace argocd statefulset", [controller(0, "1")]],
    ["applications.argoproj.io", [seen(before, before), seen(after, before), seen(after, after)]],
  ]);

  expect(ran.lines).toEqual([{ changed: true }]);
  expect(ran.asked.filter(({ args }) => args.includes("applications.argoproj.io"))).toHaveLength(3);
});

test("ArgoCD goes on with as many as it had, and the note is gone", async () => {
  const ran = await runWith(ARGOCD, { hold: false }, [
    ["patch", [{}]],
    ["get --namespace argocd statefulset", [controller(0, "2")]],
    ["get --namespace argocd deployment", [NONE]],
  ]);

  expect(ran.lines).toEqual([{ changed: true }]);
  expect(patched(ran)).toEqual([
    '{"metadata": {"annotations": {"infra-k3s/replicas-before-restore": null}}, "spec": {"replicas": 2}}',
  ]);
});
