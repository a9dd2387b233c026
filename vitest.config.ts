import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    projects: [
      { test: { name: "unit", include: ["{src,sandbox}/**/*.test.ts", "test/{unit,secrets}/**/*.test.ts"] } },
      { test: { name: "golden", include: ["test/golden/**/*.test.ts"] } },
    ],
  },
});
