import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { fieldOf } from "../../src/config/json-schema.ts";
import { loadCluster } from "../../src/config/load.ts";
import { ClusterSchema } from "../../src/config/schema.ts";
import * as mutations from "./mutations.ts";

const ROOT = join(import.meta.dirname, "../..");
const SEED = 8;
const files = globSync(["examples/*/cluster.yaml", "test/config/valid/*.yaml"], { cwd: ROOT })
  .sort()
  .map((file) => ({ file, text: readFileSync(join(ROOT, file), "utf8") }));
const places = files.flatMap(({ file, text }) => mutations.placesOf(file, text, fieldOf(ClusterSchema)));

test.each(files)("$file is valid", { timeout: 60_000 }, ({ text }) => {
  const loaded = loadCluster(text, "cluster.yaml");

  expect(loaded.ok ? [] : loaded.diagnostics).toEqual([]);
});

/** Each place of each file with so many mutations, of which some change nothing. */
function sample(
  make: (place: (typeof places)[number]) => fc.Arbitrary<mutations.Mutation | undefined>,
  each: number,
) {
  const all = fc.sample(fc.tuple(...places.map(make)), { numRuns: each, seed: SEED }).flat();
  return [...new Map(all.filter((one) => one !== undefined).map((one) => [one.text, one])).values()];
}

interface Verdict {
  mutation: mutations.Mutation;
  said: string[];
  line: boolean;
  suggestion: boolean;
}

function judge(mutation: mutations.Mutation): Verdict {
  const loaded = loadCluster(mutation.text, "cluster.yaml");
  const diagnostics = loaded.ok ? [] : loaded.diagnostics;
  return {
    mutation,
    said: diagnostics.map((one) => `${one.line}: ${one.message} (${one.suggestion})`),
    // Nothing else may be said: what follows from the one fault is no fault.
    line: diagnostics.length === 1 && diagnostics[0]?.line === mutation.line,
    suggestion: diagnostics.some(
      ({ suggestion }) => suggestion !== "" && suggestion.includes(mutation.meant),
    ),
  };
}

test.each([
  ["a typo of one edit in a key", mutations.misspeltKey, 12],
  ["a typo of one edit in a word that is chosen from a few", mutations.misspeltValue, 20],
  ["a value of another type", mutations.wrongType, 5],
  ["a required key that is missing", mutations.missingKey, 1],
  ["a key that is there twice", mutations.repeatedKey, 1],
] as const)("%s is told once, at its line, with what was meant", { timeout: 600_000 }, (_, make, each) => {
  const verdicts = sample(make, each).map(judge);
  const [lines, suggestions] = (["line", "suggestion"] as const).map((of) => verdicts.filter((one) => one[of]).length); // prettier-ignore
  const misses = verdicts
    .filter(({ line, suggestion }) => !line || !suggestion)
    .slice(0, 12)
    .map(({ mutation, said }) => `${mutation.what}, line ${mutation.line}, ${mutation.meant}: ${said.join("; ") || "valid"}`); // prettier-ignore
  const counts = `seed ${SEED}: of ${verdicts.length}, line right ${lines}, suggestion right ${suggestions}\n${misses.join("\n")}`; // prettier-ignore

  const isRight =
    verdicts.length >= 30 &&
    (lines ?? 0) / verdicts.length >= 0.99 &&
    (suggestions ?? 0) / verdicts.length >= 0.95;
  expect(isRight ? "" : counts).toBe("");
});
