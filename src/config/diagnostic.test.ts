import { expect, test } from "vitest";
import { byPlace, type Diagnostic, formatDiagnostic, formatDiagnostics, formatPath, nameOf } from "./diagnostic.ts"; // prettier-ignore

const at = (line: number, column: number, endLine = line, endColumn = column + 1): Diagnostic => ({
  severity: "error", code: "c", file: "f", line, column, endLine, endColumn, path: "", message: "m", why: "", suggestion: "",
}); // prettier-ignore
const frame = (source: string, d: Diagnostic) => formatDiagnostic(d, source).split("\n").slice(1);

test("a path is as JavaScript writes it, and a message names its last key", () => {
  expect(formatPath(["nodes", 1, "region"])).toBe("nodes[1].region");
  expect(nameOf(["nodes", 1, "region"])).toBe("region");
  expect(nameOf(["gitops", "hostKeys", 0])).toBe("hostKeys[0]");
  expect(nameOf([])).toBe("the file");
});

test("a fault over several lines is marked where it begins", () => {
  expect(frame("ab\ncd", at(1, 2, 2, 9))).toEqual([" 1 | ab", "   |  ^"]);
  expect(frame("abcd", at(1, 2, 1, 4))).toEqual([" 1 | abcd", "   |  ^^"]);
  expect(frame("abcd", at(1, 2, 1, 2))).toEqual([" 1 | abcd", "   |  ^"]);
});

const line = (length: number) => Array.from({ length }, (_, i) => i % 10).join("");

test("of a long line the part around the fault is shown", () => {
  expect(frame(line(120), at(1, 120))).toEqual([` 1 | ${line(120)}`, `   | ${" ".repeat(119)}^`]);
  expect(frame(line(121), at(1, 1))).toEqual([` 1 | ${line(120)}…`, "   | ^"]);
  expect(frame(line(121), at(1, 121))).toEqual([` 1 | …${line(121).slice(2)}`, `   | ${" ".repeat(119)}^`]);
  expect(frame(line(400), at(1, 201, 1, 205))[1]).toBe(`   | ${" ".repeat(60)}^^^^`);
  const middle = frame(line(400), at(1, 201, 1, 401));
  expect(middle).toEqual([` 1 | …${line(400).slice(141, 260)}…`, `   | ${" ".repeat(60)}${"^".repeat(60)}`]);
});

test("what a terminal would obey, or not show, is made visible", () => {
  expect(frame("\ta\u0007b\u007f\u009bc\u200bd\u2028e\u00a0f g\r\n", at(1, 1))[0]).toBe(
    " 1 |  a\u2407b\u{FFFD}\u{FFFD}c\u{FFFD}d\u{FFFD}e·f g",
  );
});

test("an empty line leaves no blanks, and a line that is not there is empty", () => {
  expect(frame("a\n\nb", at(2, 1))).toEqual([" 2 |", "   | ^"]);
  expect(frame("a", at(9, 1))).toEqual([" 9 |", "   | ^"]);
});

test("more than three are counted", () => {
  expect(formatDiagnostics([at(1, 1), at(1, 2), at(1, 3)], "abcd")).not.toContain("faults");
  expect(formatDiagnostics([at(1, 1), at(1, 2), at(1, 3), at(1, 4)], "abcd")).toMatch(/\n\n4 faults$/);
});

test("they are told top down, then from left to right, then by their words", () => {
  const [a, b, c] = [at(1, 9), at(2, 1), { ...at(2, 1), message: "n" }];

  expect([c, b, a].sort(byPlace)).toEqual([a, b, c]);
  expect([at(2, 3), at(2, 1)].sort(byPlace)).toEqual([at(2, 1), at(2, 3)]);
});
