import { type Document, isScalar, isSeq, type LineCounter, type Scalar, visit, type YAMLMap } from "yaml";
import type { YamlFault } from "./yaml-faults.ts";

/** Keys that are in one map twice. */
export function repeatedKeys(document: Document, lines: LineCounter): YamlFault[] {
  const faults: YamlFault[] = [];
  const lineOf = (key: Scalar) => lines.linePos(key.range?.[0] ?? 0).line;
  visit(document, {
    Map: (_, map, ancestors) => {
      const [first, ...keys] = map.items.map(({ key }) => key).filter(isScalar);
      const repeated = keys.filter((key, index) =>
        [first, ...keys.slice(0, index)].some((other) => other?.value === key.value),
      );
      const [again] = repeated;
      if (
        again !== undefined &&
        first !== undefined &&
        again.value === first.value &&
        isSeq(ancestors.at(-1))
      ) {
        faults.push(missingDash(again, lineOf(first)));
        return;
      }
      for (const key of repeated) {
        const before = [first, ...keys].find((other) => other?.value === key.value) ?? key;
        faults.push({
          ...placeOf(key),
          message: `the key "${String(key.value)}" is here a second time`,
          why: `line ${lineOf(before)} has it too, and only one of the two could count`,
          suggestion: "remove one of them",
        });
      }
    },
  });
  return faults;
}

/** Where an entry's first key comes again, it mostly begins the next entry; so do the keys behind it. */
function missingDash(key: Scalar, line: number): YamlFault {
  return {
    ...placeOf(key),
    message: `a second "${String(key.value)}" in one entry of the list`,
    why: `the entry that begins in line ${line} goes on here, since there is no dash`,
    suggestion: `begin the next entry with a dash, \`- ${String(key.value)}:\`, or remove one of the two`,
  };
}

function placeOf(key: Scalar): Pick<YamlFault, "code" | "range"> {
  const [start, end] = key.range ?? [0, 1];
  return { code: "duplicate-key", range: [start, end] };
}

/** Of keys that are there twice the first counts, until one is removed. */
export function dropRepeated(document: Document): void {
  visit(document, {
    Map: (_, map: YAMLMap) => {
      const seen = new Set<unknown>();
      map.items = map.items.filter(({ key }) => {
        const name = isScalar(key) ? key.value : key;
        return seen.has(name) ? false : seen.add(name);
      });
    },
  });
}
