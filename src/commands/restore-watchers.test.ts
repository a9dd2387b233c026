import { mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { json, runWith } from "../tools/velero/k3s.fake.ts";

const PROGRAM = readFileSync(join(import.meta.dirname, "restore-watchers.py"), "utf8");
const folder = mkdtempSync(join(tmpdir(), "watchers-"));
afterAll(() => rmSync(folder, { recursive: true }));

const TOKEN = [{ projected: { sources: [{ serviceAccountToken: { path: "token" } }] } }];
const pod = (name: string, startedAt: string, { volumes = TOKEN, owner = "ReplicaSet" }: { volumes?: object[]; owner?: string } = {}) => ({
  metadata: { name, namespace: "a", ownerReferences: owner === "" ? [] : [{ kind: owner, controller: true }] },
  spec: { volumes },
  status: { containerStatuses: [{ state: { running: { startedAt } } }] },
}); // prettier-ignore
const [BEFORE, AFTER] = ["2026-11-27T06:59:59Z", "2026-11-27T07:00:01Z"];
const PODS = json({
  items: [
    pod("velero", BEFORE),
    pod("begun-since", AFTER),
    pod("no-token", BEFORE, { volumes: [{ emptyDir: {} }] }),
    pod("bare", BEFORE, { owner: "" }),
    pod("static", BEFORE, { owner: "Node" }),
  ],
});

async function restarted(mark: string): Promise<[unknown, string[]]> {
  const ran = await runWith(PROGRAM, { mark }, [["get pods", [PODS]]]);
  return [ran.lines[0], ran.asked.map(({ args }) => args).filter((args) => args.includes("delete"))];
}

test("who may have watched since before the restore begins anew; nobody else, and nobody whom nothing brings back", async () => {
  const mark = join(folder, "mark");
  writeFileSync(mark, "");
  utimesSync(mark, new Date("2026-11-27T07:00:00Z"), new Date("2026-11-27T07:00:00Z"));
  const [said, asked] = await restarted(mark);

  expect(said).toEqual({ restarted: 1 });
  expect(asked).toEqual([
    expect.stringMatching(/--namespace a delete pods velero --ignore-not-found --wait=false$/),
  ]);
});

test("where the moment is not known, all of them", async () => {
  expect((await restarted(join(folder, "none")))[0]).toEqual({ restarted: 2 });
});
