import { describe, expect, test } from "vitest";
import { canonicalState, hashedState, type KubernetesObject } from "./canonical.ts";
import { LEFT_OUT_FIELDS, LEFT_OUT_KINDS, LEFT_OUT_OBJECTS, type LeftOutField } from "./left-out.ts";

const object = (kind: string, rest: object = {}, apiVersion = "v1") =>
  ({ apiVersion, kind, metadata: { name: "x", namespace: "shop" }, ...rest }) as unknown as KubernetesObject;

type Path = LeftOutField["path"];

/** A thing in which a value lies at a path, beside others that are not meant. */
function planted([step, ...rest]: Path, value: unknown): unknown {
  // Items, as owners are.
  if (step === undefined) return [{ uid: value }];
  if (step === "[]") return [{ kept: "first", ...(planted(rest, value) as object) }];
  if (typeof step === "string") return { kept: "beside", [step]: planted(rest, value) };
  const meant = [{ name: "kube-api-access-abcde" }, { name: "restore-wait" }].filter(step);
  return [{ name: "kept" }, ...meant.map((item) => ({ ...item, image: value }))];
}

function merged(a: unknown, b: unknown): unknown {
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null || Array.isArray(b)) return b;
  const [one, other] = [a as Record<string, unknown>, b as Record<string, unknown>];
  return { ...one, ...Object.fromEntries(Object.entries(other).map(([key, value]) => [key, merged(one[key], value)])) };
} // prettier-ignore

describe("each field that is left out", () => {
  const cases = LEFT_OUT_FIELDS.map((field) => {
    const steps = field.path.map((step) => (typeof step === "string" ? step : step.name));
    return [`${field.kind ?? "any"} ${steps.join(".")}`, field] as const;
  });

  test.each(cases)("%s: its value is nothing to compare; the same value beside it is", (_, field) => {
    const base = { metadata: { name: field.name ?? "x" } };
    const of = (path: Path, value: unknown) =>
      canonicalState(merged(object(field.kind ?? "ConfigMap"), merged(planted(path, value), base)) as KubernetesObject);
    const last = field.path.at(-1);
    // What only looks like it: another key; another item.
    const beside = [...field.path.slice(0, -1), ...(typeof last === "string" ? [`${last}X`] : ["[]"])];

    expect(of(field.path, "a")).toBeDefined();
    expect(of(field.path, "a")).toEqual(of(field.path, "b"));
    expect(JSON.stringify(of(field.path, "canary"))).not.toContain("canary");
    expect(JSON.stringify(of(field.path, "a"))).toContain("kept");
    expect(of(beside, "a")).not.toEqual(of(beside, "b"));
  }); // prettier-ignore

  test("has a reason", () => {
    expect([...LEFT_OUT_FIELDS, ...LEFT_OUT_KINDS, ...LEFT_OUT_OBJECTS].filter(({ why }) => why.length < 4)).toEqual([]);
  }); // prettier-ignore

  test("of one kind is compared in another", () => {
    const [a, b] = ["a", "b"].map((volumeName) =>
      canonicalState(object("Deployment", { spec: { volumeName } })),
    );
    expect(a).not.toEqual(b);
  });
});

const named = (name: string, namespace = "kube-system", rest: object = {}) => ({
  metadata: { name, namespace, ...rest },
});

describe("what no restore brings back", () => {
  test.each(LEFT_OUT_KINDS.map(({ group, kind }) => [kind, group] as const))("%s of %j", (kind, group) => {
    expect(canonicalState(object(kind, {}, group === "" ? "v1" : `${group}/v1`))).toBeUndefined();
    expect(canonicalState(object(`${kind}X`, {}, group === "" ? "v1" : `${group}/v1`))).toBeDefined();
    expect(canonicalState(object(kind, {}, "example.com/v1"))).toBeDefined();
  });

  test.each([
    ["a pod of a ReplicaSet", object("Pod", named("x", "shop", { ownerReferences: [{ controller: true }] })), object("Pod", named("x", "shop", { ownerReferences: [{ controller: false }] }))],
    ["what is being deleted", object("ConfigMap", named("x", "shop", { deletionTimestamp: "2026-11-26T00:00:00Z" })), object("ConfigMap")],
    ["a Job that has ended", object("Job", { status: { conditions: [{ type: "Complete", status: "True" }] } }, "batch/v1"), object("Job", { status: { conditions: [{ type: "Complete", status: "False" }] } }, "batch/v1")],
    ["a pod that has ended", object("Pod", { status: { phase: "Succeeded" } }), object("Pod", { status: { phase: "Running" } })],
    ["an API server's own APIService", object("APIService", named("v1.", "", { labels: { "kube-aggregator.kubernetes.io/automanaged": "onstart" } }), "apiregistration.k8s.io/v1"), object("APIService", named("v1beta1.metrics.k8s.io"), "apiregistration.k8s.io/v1")],
    ["a namespace's root certificate", object("ConfigMap", named("kube-root-ca.crt", "shop")), object("ConfigMap", named("root-ca.crt", "shop"))],
    ["the API server's own settings", object("ConfigMap", named("extension-apiserver-authentication")), object("ConfigMap", named("extension-apiserver-authentication", "shop"))],
    ["K3s' list of snapshots", object("ConfigMap", named("k3s-etcd-snapshots")), object("ConfigMap", named("k3s-etcd-snapshots", "shop"))],
    ["a ServiceAccount's token", object("Secret", { type: "kubernetes.io/service-account-token" }), object("Secret", { type: "kubernetes.io/tls" })],
    ["a node's password", object("Secret", named("w1.node-password.k3s")), object("Secret", named("w1.node-password.k3s", "shop"))],
    ["K3s' own certificate", object("Secret", named("k3s-serving")), object("Secret", named("k3s-serving", "shop"))],
  ])("%s, and nothing that only looks like it", (_, left, kept) => {
    expect(canonicalState(left)).toBeUndefined();
    expect(canonicalState(kept)).toBeDefined();
  }); // prettier-ignore
});

/** As `kubectl get -o json` shows it before, and after Velero has restored it. */
const deployment = (restored: boolean) =>
  object(
    "Deployment",
    {
      metadata: {
        annotations: {
          "argocd.argoproj.io/tracking-id": "shop:apps/Deployment:shop/shop",
          ...(restored ? {} : { "deployment.kubernetes.io/revision": "3" }),
        },
        creationTimestamp: restored ? "2026-11-27T08:00:00Z" : "2026-11-01T08:00:00Z",
        generation: restored ? 1 : 7,
        labels: { app: "shop", ...(restored ? { "velero.io/backup-name": "b", "velero.io/restore-name": "r" } : {}) },
        name: "shop",
        namespace: "shop",
        resourceVersion: restored ? "99" : "12345",
        uid: restored ? "bbbb" : "aaaa",
      },
      spec: {
        replicas: 2,
        selector: { matchLabels: { app: "shop" } },
        template: {
          metadata: { labels: { app: "shop" } },
          spec: { containers: [{ name: "shop", image: "ghcr.io/you/shop@sha256:1", resources: {} }] },
        },
      },
      status: { readyReplicas: restored ? 0 : 2 },
    },
    "apps/v1",
  ); // prettier-ignore

test("a restored Deployment is what it was; one with another image is not, and the field is named", () => {
  expect(hashedState(deployment(true))).toEqual(hashedState(deployment(false)));

  const other = structuredClone(deployment(true)) as unknown as {
    spec: { template: { spec: { containers: { image: string }[] } } };
  };
  for (const container of other.spec.template.spec.containers) container.image = "ghcr.io/you/shop@sha256:2";
  const [was, is] = [hashedState(deployment(false)), hashedState(other as unknown as KubernetesObject)];
  expect(is?.sha256).not.toBe(was?.sha256);
  const differing = Object.keys(was?.fields ?? {}).filter((name) => was?.fields[name] !== is?.fields[name]);
  expect(differing).toEqual(["spec.template.spec.containers"]);
});

const service = (clusterIP: string) =>
  canonicalState(object("Service", { spec: { clusterIP, clusterIPs: [clusterIP], selector: { a: "b" } } }));

test("a headless Service stays headless; any other may get another address", () => {
  expect(service("10.43.0.7")).toEqual(service("10.43.0.8"));
  expect(service("None")).not.toEqual(service("10.43.0.8"));
});

const hashed = (spec: object) => hashedState(object("Gateway", { spec }))?.sha256;

test("the order of keys says nothing, that of items does", () => {
  expect(hashed({ a: 1, b: { c: 1, d: 2 } })).toBe(hashed({ b: { d: 2, c: 1 }, a: 1 }));
  expect(hashed({ a: [1, 2] })).not.toBe(hashed({ a: [2, 1] }));
});

test("no value of an object can be read in what is kept of it", () => {
  const kept = JSON.stringify(hashedState(object("ConfigMap", { data: { password: "hunter2" } })));
  expect(kept).toContain("data.password");
  expect(kept).not.toContain("hunter2");
});
