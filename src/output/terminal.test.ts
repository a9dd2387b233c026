import { expect, test } from "vitest";
import type { HostSummary } from "./events.ts";
import { terminalEmit } from "./terminal.ts";

const stage = (name: string, hosts: Record<string, HostSummary>) => ({ name, changed: 0, seconds: 1, hosts });

test("the end says how many tasks ran on each host, also that none did", () => {
  const said: string[] = [];
  const emit = terminalEmit({ out: () => {}, err: (text) => said.push(text), isTerminal: false });

  emit({
    event: "done",
    ok: true,
    changed: 3,
    seconds: 2,
    stages: [
      stage("base", { a: { ok: 5, changed: 1, failed: 0 }, b: { ok: 0, changed: 0, failed: 0 } }),
      stage("k3s", { a: { ok: 4, changed: 2, failed: 1 } }),
    ],
  });

  expect(said.join("")).toBe("done in 2 s, changed: 3\ntasks run: a 10, changed 3; b 0, changed 0\n");
});
