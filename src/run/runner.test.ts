import { describe, expect, test } from "vitest";
import { UserError } from "../output/errors.ts";
import type { Event } from "../output/events.ts";
import { Interruption } from "../output/interruption.ts";
import { runStages, select } from "./runner.ts";
import type { Stage } from "./stage.ts";

function stage(name: string, apply: Stage<string[]>["apply"]): Stage<string[]> {
  return { name, apply, observe: () => Promise.reject(new Error("unused")), plan: () => Promise.resolve([]) };
}

const ran = (name: string, changed = 0, failed = 0) =>
  stage(name, (log) => {
    log.push(name);
    return Promise.resolve({ host: { ok: 1, changed, failed } });
  });

describe("select", () => {
  const stages = [ran("a"), ran("b"), ran("c")];
  const names = (selection: Parameters<typeof select>[1]) =>
    select(stages, selection).map(({ name }) => name);

  test("takes all, up to one, or one alone", () => {
    expect([names({}), names({ until: "b" }), names({ only: "b" })]).toEqual([
      ["a", "b", "c"],
      ["a", "b"],
      ["b"],
    ]);
  });

  test("refuses an unknown stage and both at once, as wrong usage", () => {
    expect(() => names({ until: "x" })).toThrow(expect.objectContaining({ exitCode: 64 }));
    expect(() => names({ until: "a", only: "b" })).toThrow(expect.objectContaining({ exitCode: 64 }));
  });
});

describe("runStages", () => {
  test("runs in order and ends with one event that sums up", async () => {
    const [log, events]: [string[], Event[]] = [[], []];

    const done = await runStages(
      [ran("a", 2), ran("b", 1)],
      log,
      (event) => events.push(event),
      () => 0,
    );

    expect(log).toEqual(["a", "b"]);
    expect(done).toMatchObject({
      ok: true,
      changed: 3,
      stages: [
        { name: "a", changed: 2 },
        { name: "b", changed: 1 },
      ],
    });
    expect(events.at(-1)).toBe(done);
  });

  test("stops at the stage that fails, because the rest depends on it", async () => {
    const log: string[] = [];

    const done = await runStages(
      [ran("a", 0, 1), ran("b")],
      log,
      () => {},
      () => 0,
    );

    expect([log, done.ok]).toEqual([["a"], false]);
  });

  test("turns a failure that a person can act on into an event, and lets a bug through", async () => {
    const events: Event[] = [];
    const failing = stage("a", () =>
      Promise.reject(new UserError({ what: "no network", fix: "plug it in" })),
    );
    const broken = stage("a", () => Promise.reject(new TypeError("bug")));

    const done = await runStages(
      [failing],
      [],
      (event) => events.push(event),
      () => 0,
    );

    expect(done.ok).toBe(false);
    expect(events).toContainEqual({ event: "log", level: "error", message: "no network\n  fix: plug it in" });
    await expect(
      runStages(
        [broken],
        [],
        () => {},
        () => 0,
      ),
    ).rejects.toThrow("bug");
  });

  test("asked to end, tells what is done, where it stopped and what it never came to", async () => {
    const [log, events]: [string[], Event[]] = [[], []];
    const interruption = new Interruption();
    const waiting = stage("b", () => {
      interruption.begin("SIGTERM");
      interruption.end();
      return new Promise(() => {});
    });

    const emit = (event: Event) => events.push(event);
    const done = await runStages([ran("a"), waiting, ran("c")], log, emit, () => 0, interruption);

    expect([log, done.ok, done.interrupted]).toEqual([["a"], false, true]);
    const message = "interrupted by SIGTERM; done: a; stopped in: b; not begun: c";
    expect(events).toContainEqual({ event: "log", level: "warning", message });
  });

  test("asked to end while a stage comes to its end, begins no other", async () => {
    const [log, events]: [string[], Event[]] = [[], []];
    const interruption = new Interruption();
    const last = stage("a", () => {
      interruption.begin("SIGINT");
      return Promise.resolve({});
    });

    const emit = (event: Event) => events.push(event);
    const done = await runStages([last, ran("b")], log, emit, () => 0, interruption);

    expect([log, done.ok]).toEqual([[], false]);
    const message = "interrupted by SIGINT; done: a; not begun: b";
    expect(events).toContainEqual({ event: "log", level: "warning", message });
  });
});
