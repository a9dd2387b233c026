import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { run } from "../process/process.ts";
import { withData } from "../ssh/python.ts";
import { LOADER, readModules } from "./look.ts";
import { node, NOW } from "./things.fake.ts";

/** Epoch seconds, as gather.py has it. */
const at = NOW;
const whole = { generation: "20261126T000000Z", at: at - 3600, until: at + 10 * 86_400, empty: false, fault: "" }; // prettier-ignore

/** What the copier said last, and what the timer tells of it; undefined: nothing. */
const CASES: [name: string, second: object, why?: RegExp][] = [
  ["a cluster without one", {}],
  ["whole an hour ago", whole],
  ["one that was never run, just installed", { at: at - 60 }],
  ["one that was never complete", { at: at - 3 * 3600, fault: "R2 refused PUT" }, /never complete; R2 refused PUT/],
  ["nothing to copy yet", { at: at - 9 * 86_400, empty: true }],
  ["an emptied first line", { ...whole, at: at - 3 * 3600, empty: true }, /180 min ago.*no Completed backup any more/],
  ["a lock that ends too soon", { ...whole, until: at + 6.5 * 86_400 }, /locked for 6.5 more days/],
]; // prettier-ignore

test("what the timer on the master tells of the second line", async () => {
  const raws = CASES.map(([, second]) => ({ at, objects: [node("a")], fault: "", webhooks: { refused: "", taken: "" }, second })); // prettier-ignore
  const program = `${LOADER}print(json.dumps([[judge.judged(raw, (), 0, days)["problems"] for raw in DATA["raws"]] for days in (7, 0)]))\n`;
  const { stdout, stderr } = await run({ argv: ["python3", "-"], stdin: withData(program, { modules: readModules(), raws }) }); // prettier-ignore
  expect(stderr).toBe("");
  const [told, undeclared] = JSON.parse(stdout) as { what: string; why: string }[][][];

  const seen = CASES.map(([name, , pattern], index) => [name, told?.[index]?.map(({ what, why }) => [what, pattern?.test(why)])]); // prettier-ignore
  const wanted = CASES.map(([name, , pattern]) => [name, pattern === undefined ? [] : [["the volumes' second line is not safe", true]]]); // prettier-ignore
  expect(seen).toEqual(wanted);
  expect(undeclared?.flat()).toEqual([]);
});

test("what it said is read, and counts from when it came to be before it has said anything", async () => {
  const folder = mkdtempSync(join(tmpdir(), "second-line-"));
  const [state, program] = [join(folder, "last.json"), join(folder, "program")];
  const look = async () => {
    const script = `${LOADER}print(json.dumps(gather.second_line(DATA["state"], DATA["program"])))\n`;
    const { stdout } = await run({ argv: ["python3", "-"], stdin: withData(script, { modules: readModules(), state, program }) }); // prettier-ignore
    return JSON.parse(stdout) as Record<string, number>;
  };
  const none = await look();
  writeFileSync(program, "");
  const installed = await look();
  writeFileSync(state, JSON.stringify(whole));
  const ran = await look();
  rmSync(folder, { recursive: true });

  expect(none).toEqual({});
  expect(Math.abs((installed["at"] ?? 0) - Date.now() / 1000)).toBeLessThan(120);
  expect(ran).toEqual(whole);
});
