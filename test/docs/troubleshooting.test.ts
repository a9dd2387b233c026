import { join } from "node:path";
import { expect, test } from "vitest";
import { expectFile } from "../golden/file.ts";
import { faultsIn, toldFaults } from "./faults.ts";
import { areaOf, troubleshootingPage } from "./troubleshooting.ts";

test("docs/troubleshooting.md is what the sources say", () => {
  expect(troubleshootingPage()).toContain("## Exit codes");
  expectFile(join(import.meta.dirname, "../../docs/troubleshooting.md"), troubleshootingPage());
});

test("a fault is read as it is told, with what is known later named", () => {
  const text =
    'throw new UserError({ what: `no node "${node.name}"`, why: a ? "b" : said.trim(), fix: `nodes: ${names.join(", ")}` })';
  expect(faultsIn("f.ts", text)).toEqual([
    { file: "f.ts", what: 'no node "‹name›"', why: "b / ‹said›", fix: "nodes: ‹names›" },
  ]);
});

test("nearly all of them say what to do, and each file belongs somewhere", () => {
  const all = toldFaults();
  const mute = all.filter(({ fix }) => fix === "");

  expect(all.length).toBeGreaterThan(150);
  expect(mute.length / all.length).toBeLessThan(0.12);
  expect([
    ...new Set(all.map(({ file }) => file).filter((file) => areaOf(file) === "Anything else")),
  ]).toEqual([]);
});
