import { expect, test } from "vitest";
import { loadCluster } from "./load.ts";
import { snapshotCron, snapshotsKept } from "./snapshots.ts";

const volumes = { schedule: "7 * * * *", ttl: "336h" };
const kept = (lockDays: number, everyMinutes: number) =>
  snapshotsKept({ backups: { lockDays, snapshots: { everyMinutes }, volumes } });

test("more stay than are taken while the lock holds, and a week's at least", () => {
  expect(kept(30, 15)).toBe((31 * 24 * 60) / 15);
  expect(kept(0, 60)).toBe(8 * 24);
  expect(snapshotsKept({})).toBe(kept(7, 15));
});

test("cron says what was asked for", () => {
  expect([5, 30, 60, 120, 1440].map(snapshotCron)).toEqual([
    "*/5 * * * *",
    "*/30 * * * *",
    "0 */1 * * *",
    "0 */2 * * *",
    "0 0 * * *",
  ]);
});

const faults = (backups: string) => {
  const text = `name: a\ndomain: example.com\nk3s: { version: v1.36.3+k3s1 }\ncloudflare: { accountId: 0123456789abcdef0123456789abcdef }\nbackups: ${backups}\nnodes:\n  - { name: m, role: master, provider: hetzner, region: fsn1, size: cx33, ingress: true }\n`;
  const loaded = loadCluster(text, "cluster.yaml");
  return loaded.ok
    ? []
    : loaded.diagnostics.map(({ line, code, suggestion }) => `${line} ${code} ${suggestion}`);
};

test.each([
  ["{ snapshots: { everyMinutes: 10 } }", []],
  ["{ snapshots: { everyMinutes: 360 }, lockDays: 365 }", []],
  ["{ snapshots: { everyMinutes: 7 } }", [/^5 invalid-value/]],
  ["{ snapshots: { everyMinutes: 90 } }", [/^5 invalid-value/]],
  ["{ snapshots: { everyMinutes: 420 } }", [/^5 invalid-value/]],
  ["{ snapshots: { everyMinute: 10 } }", [/^5 unknown-key did you mean "everyMinutes"/]],
  ["{ snapshots: { everyMinutes: 60 } }", []],
  ["{ snapshots: { everyMinutes: 1440 } }", []],
  ["{ snapshots: { everyMinutes: 1080 } }", [/^5 invalid-value/]],
  ["{ lockDays: 365 }", [/^5 too-many-snapshots .*everyMinutes/]],
])("backups: %s", (backups, expected) => {
  expect(faults(backups)).toEqual(expected.map((pattern) => expect.stringMatching(pattern)));
});
