import { expect, test } from "vitest";
import { Timeline } from "./timeline.ts";

test("each step has its time, also one that fails, and one that another program tells of", async () => {
  let now = 0;
  const timeline = new Timeline(() => now);
  const lasting = (seconds: number) => async () => {
    now += seconds * 1000;
    return { result: seconds, note: `${seconds} s` };
  };

  expect(await timeline.step("import", lasting(95.2))).toBe(95.2);
  now += 30_000;
  timeline.told("restore: base", 25, true, "");
  const failing = timeline.step("compare", async () => {
    now += 2000;
    throw new Error("no master");
  });
  await expect(failing).rejects.toThrow("no master");
  expect(timeline.steps).toEqual([
    { name: "import", startSeconds: 0, seconds: 95.2, ok: true, note: "95.2 s" },
    { name: "restore: base", startSeconds: 100.2, seconds: 25, ok: true, note: "" },
    { name: "compare", startSeconds: 125.2, seconds: 2, ok: false, note: "no master" },
  ]);
});
