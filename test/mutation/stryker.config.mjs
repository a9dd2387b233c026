/** @type {import("@stryker-mutator/api/core").PartialStrykerOptions} */
export default {
  mutate: ["src/{config,render}/**/*.ts", "!**/*.test.ts"],
  testRunner: "vitest",
  vitest: { configFile: "test/mutation/vitest.config.ts", related: false },
  coverageAnalysis: "perTest",
  // What runs as a module is loaded (the schemas, tables) is mutated, too, though each such mutant costs a run of all tests:
  // the bounds of fields are there.
  ignoreStatic: false,
  warnings: { slow: false },
  concurrency: 2,
  // A machine with something else to do is slow, and no mutant is killed by that.
  timeoutMS: 20_000,
  reporters: ["progress-append-only", "json", "clear-text"],
  clearTextReporter: { logTests: false, reportTests: false, reportMutants: false },
  // Copied for each run, and not needed.
  ignorePatterns: ["/sandbox"],
  // Stryker rewrites the one that is named with TypeScript's old API, which TypeScript 7 does not have; nothing here needs it.
  tsconfigFile: "none",
};
