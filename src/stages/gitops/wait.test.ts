import { expect, test } from "vitest";
import type { Event } from "../../output/events.ts";
import { app, COMMIT } from "./application.fake.ts";
import { Progress } from "./wait.ts";

const broken = (message: string) =>
  app("traefik", { sync: "OutOfSync", operation: { phase: "Failed", message } });
const root = app("cluster", { children: ["traefik"] });

function watch() {
  const told: string[] = [];
  const clock = { now: 0 };
  const emit = (event: Event) => event.event === "log" && told.push(`${event.level} ${event.message}`);
  return { told, clock, progress: new Progress(COMMIT, emit, () => clock.now) };
}

test("each Application is told once when it is ready, and its cause when it is not", () => {
  const { told, progress } = watch();
  const late = app("traefik", { health: "Progressing", operation: { phase: "Running", message: "" } });
  progress.take([root, late]);
  progress.take([root, broken("denied. Retrying attempt #1 at 10:00AM.")]);
  progress.take([root, broken("denied. Retrying attempt #2 at 10:05AM.")]);
  expect(progress.isOver()).toBe(false);
  progress.take([root, app("traefik")]);
  expect(progress.isReady()).toBe(true);
  expect(told).toEqual([
    "info cluster: Synced, Healthy",
    "warning traefik: OutOfSync, Healthy: denied. Retrying attempt #1 at 10:00AM.",
    "info traefik: Synced, Healthy",
  ]);
});

test("ten minutes in which only messages change are the end; anything that moves begins them anew", () => {
  const { clock, progress } = watch();
  progress.take([root, broken("attempt 1")]);
  clock.now = 9 * 60_000;
  progress.take([root, app("traefik", { health: "Degraded" })]);
  clock.now = 18 * 60_000;
  progress.take([root, app("traefik", { health: "Degraded", conditions: ["attempt 2"] })]);
  expect(progress.isOver()).toBe(false);
  clock.now = 20 * 60_000;
  expect([progress.isOver(), progress.isReady(), progress.missing()]).toEqual([true, false, ["traefik"]]);
  expect(progress.causes()).toEqual(["traefik: Synced, Degraded: attempt 2"]);
});

test("a commit that somebody else pushed meanwhile is told", () => {
  const { progress } = watch();
  const other = "b".repeat(40);
  progress.take([app("cluster", { revision: other })]);
  expect(progress.causes().at(-1)).toContain("was something else pushed meanwhile?");
});
