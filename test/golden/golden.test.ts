import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { parseAllDocuments } from "yaml";
import type { FileTree } from "../../src/render/file-tree.ts";
import { expectFile, UPDATE } from "./file.ts";
import { topologies, type Topology, topology } from "./topologies.ts";

/**
 * Every example, rendered with a fixed lock and fixed servers, must be what lies in `<example>/expected`, and what is shipped with
 * it what `<example>/shipped.txt` lists. `GOLDEN=update npm run golden` rewrites both and still fails, so that a change is never
 * silent. `test/sandbox/topologies.ts` gives the whole folders to the programs that read them.
 */
const HERE = import.meta.dirname;
const textsOf = (tree: FileTree) => Object.fromEntries([...tree].map(([path, { text }]) => [path, text]));

describe.each(topologies)("%s", (example) => {
  // Rendered by the first test that needs it: a fault in it fails a test, not the loading of all of them.
  let made: Topology | undefined;
  const files = () => (made ??= topology(example));

  test("renders as before", () => {
    const { rendered } = files();
    const folder = join(HERE, example, "expected");
    const before = readFolder(folder);
    if (UPDATE) rewrite(folder, textsOf(rendered));
    expect(textsOf(rendered)).toEqual(before);
  });

  test("ships as before", () => {
    const lines = [...files().shipped].map(([path, { mode }]) => `${mode.toString(8)} ${path}\n`);
    expect(lines.length).toBeGreaterThan(90);
    expectFile(join(HERE, example, "shipped.txt"), lines.toSorted().join(""));
  });

  test("says in each file that can have a comment where it comes from, and what writes it", () => {
    const silent = Object.entries(textsOf(files().rendered)).filter(
      ([path, text]) => !path.endsWith(".json") && !/^# .*infra-k3s.*infra-k3s render/.test(text),
    );
    expect(silent.map(([path]) => path)).toEqual([]);
  });

  test("has in YAML nothing that a reader stumbles over", () => {
    const { rendered, shipped } = files();
    const faults = [...rendered, ...shipped]
      .filter(([path]) => /\.ya?ml$/.test(path))
      .flatMap(([path, { text }]) => [
        ...parseAllDocuments(text, { version: "1.1" }).flatMap(({ errors, warnings }) =>
          [...errors, ...warnings].map(({ message }) => `${path}: ${message}`),
        ),
        ...(text.endsWith("\n") && !text.endsWith("\n\n") ? [] : [`${path}: its end`]),
        ...text.split("\n").flatMap((line, index) => (/\s$|\t/.test(line) ? [`${path}:${index + 1}: blanks`] : [])),
      ]);
    expect(faults).toEqual([]);
  });
});

function readFolder(folder: string): Record<string, string> {
  if (!existsSync(folder)) return {};
  return Object.fromEntries(
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .map((path) => [path.slice(folder.length + 1), readFileSync(path, "utf8")]),
  );
}

function rewrite(folder: string, rendered: Record<string, string>): void {
  rmSync(folder, { recursive: true, force: true });
  for (const [path, text] of Object.entries(rendered)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
}
