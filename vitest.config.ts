import { defineConfig } from "vitest/config";

/** A test that hangs ends; how long one takes on a busy machine is no fault. */
const ends = { testTimeout: 300_000, hookTimeout: 300_000 };

export default defineConfig({
  test: {
    // Most tests wait for programs.
    maxWorkers: 3,
    projects: [
      {
        test: {
          name: "unit",
          ...ends,
          include: ["{src,sandbox}/**/*.test.ts", "test/{unit,secrets,recovery-kit}/**/*.test.ts"],
        },
      },
      { test: { name: "golden", ...ends, include: ["test/{golden,config,docs}/**/*.test.ts"] } },
    ],
  },
});
