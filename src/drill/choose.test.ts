import { describe, expect, test } from "vitest";
import { chooseBackup, type Offered, recoveryPoints, worstPoint } from "./choose.ts";

const OFFERED: Offered = {
  inventories: ["nightly-1", "nightly-2", "nightly-3", "nightly-4"],
  snapshots: [
    { name: "nightly-1-master-100.zip", at: "2026-11-26T01:00:00.000Z" },
    { name: "nightly-2-master-200.zip", at: "2026-11-26T02:00:00.000Z" },
    { name: "nightly-4-master-400.zip", at: "2026-11-26T04:00:00.000Z" },
    { name: "etcd-snapshot-master-500.zip", at: "2026-11-26T05:00:00.000Z" },
  ],
  volumes: [
    { name: "nightly-1", at: "2026-11-26T00:59:00.000Z", phase: "Completed" },
    { name: "nightly-2", at: "2026-11-26T01:59:00.000Z", phase: "Completed" },
    { name: "nightly-4", at: "2026-11-26T03:59:00.000Z", phase: "PartiallyFailed" },
    { name: "volumes-20261126040700", at: "2026-11-26T04:07:00.000Z", phase: "Completed" },
  ],
};

describe("the backup that is drilled", () => {
  test("is the newest that has an inventory, a snapshot, and all of its volumes", () => {
    const { backup, snapshot } = chooseBackup(OFFERED, "last") as { backup: string; snapshot: object };

    expect([backup, snapshot]).toEqual(["nightly-2", OFFERED.snapshots[1]]);
    expect(chooseBackup({ ...OFFERED, volumes: null }, "last")).toMatchObject({ backup: "nightly-4", volumes: null });
    expect(chooseBackup(OFFERED, "nightly-1")).toMatchObject({ backup: "nightly-1" });
  }); // prettier-ignore

  test.each([
    ["nightly-3", /nightly-3: its snapshot of etcd is gone/],
    ["nightly-4", /nightly-4: its backup of the volumes is PartiallyFailed/],
    ["volumes-20261126040700", /no inventory/],
  ])("%s, asked for by its name, is no good and not replaced by another", (of, why) => {
    expect(chooseBackup(OFFERED, of)).toMatchObject({ what: `a drill can't restore ${of}`, why: expect.stringMatching(why) as string }); // prettier-ignore
  });

  test("where there is none, it says what to do", () => {
    const nothing = { inventories: [], snapshots: [], volumes: [] };

    expect(chooseBackup(nothing, "last")).toMatchObject({ why: "no backup in the bucket has an inventory", fix: expect.stringContaining("backup create") as string }); // prettier-ignore
  });
});

test("the recovery point is the worst of the newest good ones of each kind", () => {
  const points = recoveryPoints(OFFERED, Date.parse("2026-11-26T05:10:00.000Z"));

  expect(points).toEqual([
    { what: "etcd", name: "etcd-snapshot-master-500.zip", ageSeconds: 600 },
    { what: "volumes", name: "volumes-20261126040700", ageSeconds: 3780 },
  ]);
  expect(worstPoint(points)).toBe(3780);
  expect(worstPoint(recoveryPoints({ ...OFFERED, volumes: null }, Date.parse("2026-11-26T05:10:00.000Z")))).toBe(600); // prettier-ignore
  expect(worstPoint(recoveryPoints({ ...OFFERED, volumes: [] }, 0))).toBeNull();
  expect(worstPoint([])).toBeNull();
});
