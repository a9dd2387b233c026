import { describe, expect, test } from "vitest";
import { type LocalVolume, planLost, type SavedVolume, type Workload } from "./lost.ts";

const volume = (claim: string): LocalVolume => ({
  volume: `pvc-${claim.replace("/", "-")}`,
  claim,
  node: "hetzner-1",
  path: `/storage/${claim}`,
});
const workload = (kind: string, name: string, ...claims: string[]): Workload => ({
  kind,
  namespace: name.split("/")[0] ?? "",
  name: name.split("/")[1] ?? "",
  claims,
});
const saved = (pod: string, ...claims: string[]): SavedVolume[] => claims.map((claim) => ({ pod, claim }));

describe("planLost", () => {
  test("a claim comes back with its pod, whose workload has to go", () => {
    const shop = workload("Deployment", "shop/web", "shop/data");
    const other = workload("Deployment", "shop/other", "shop/kept");

    const plan = planLost([volume("shop/data")], [shop, other], saved("shop/web-1", "shop/data"), []);

    expect(plan).toEqual({
      claims: [volume("shop/data")],
      workloads: [shop],
      pods: ["shop/web-1"],
      withheld: [],
      left: [],
    });
  });

  test("the other pods of the same namespace are withheld, and no other namespace's", () => {
    const backup = [
      ...saved("shop/web-1", "shop/data"),
      ...saved("shop/db-0", "shop/db"),
      ...saved("blog/blog-1", "blog/data"),
    ];

    expect(
      planLost([volume("shop/data")], [], backup, ["shop/job-x", "shop/web-1", "blog/y"]).withheld,
    ).toEqual(["shop/job-x", "shop/db-0"]);
  });

  test("of a StatefulSet only the pod on the lost node comes back", () => {
    const db = workload("StatefulSet", "shop/db", "shop/data-db-0", "shop/data-db-1");
    const backup = [...saved("shop/db-0", "shop/data-db-0"), ...saved("shop/db-1", "shop/data-db-1")];

    const plan = planLost([volume("shop/data-db-1")], [db], backup, []);

    expect([plan.pods, plan.withheld, plan.workloads]).toEqual([["shop/db-1"], ["shop/db-0"], [db]]);
  });

  test("a claim that the backup does not have is left, and its workload stays", () => {
    const plan = planLost([volume("shop/new")], [workload("Deployment", "shop/new", "shop/new")], [], []);

    expect(plan.claims).toEqual([]);
    expect(plan.workloads).toEqual([]);
    expect(plan.left).toEqual([{ claim: "shop/new", why: expect.stringContaining("does not have it") }]);
  });

  test("a pod that has a volume beside that is still there is not brought back: that would be written over", () => {
    const plan = planLost([volume("shop/a")], [], saved("shop/web-1", "shop/a", "shop/nfs"), []);

    expect(plan.pods).toEqual([]);
    expect(plan.left[0]?.why).toMatch(/shop\/nfs, too, which is still there/);
  });

  test.each(["Cluster", "Job"])("a claim of a %s's pods is left", (kind) => {
    const plan = planLost(
      [volume("shop/pg")],
      [workload(kind, "shop/pg", "shop/pg")],
      saved("shop/pg-1", "shop/pg"),
      [],
    );

    expect(plan.claims).toEqual([]);
    expect(plan.left[0]?.why).toContain(`the ${kind} pg`);
  });

  test("what depends on a claim that is left is left with it", () => {
    const backup = saved("shop/web-1", "shop/a", "shop/b");
    const plan = planLost(
      [volume("shop/a"), volume("shop/b")],
      [workload("Job", "shop/job", "shop/b")],
      backup,
      [],
    );

    expect(plan.claims).toEqual([]);
    expect(plan.left.map(({ claim }) => claim)).toEqual(["shop/a", "shop/b"]);
  });
});
