import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { formatDiagnostics } from "../../src/config/diagnostic.ts";
import { loadCluster } from "../../src/config/load.ts";
import { expectFile } from "../golden/file.ts";

/** Each file has one fault; beside it lies what `validate` says of it, word for word. */
const FOLDER = join(import.meta.dirname, "invalid");
const files = readdirSync(FOLDER).filter((name) => name.endsWith(".yaml"));

describe("what validate says", () => {
  test.each(files)("%s", (file) => {
    const content = readFileSync(join(FOLDER, file));
    const loaded = loadCluster(content, "cluster.yaml");
    const diagnostics = loaded.ok ? [] : loaded.diagnostics;

    expectFile(
      join(FOLDER, file.replace(/yaml$/, "txt")),
      `${formatDiagnostics(diagnostics, content.toString())}\n`,
    );
    // One fault is told once, and each says what to do.
    expect(diagnostics.map(({ suggestion }) => suggestion !== "")).toEqual([true]);
  });
});
