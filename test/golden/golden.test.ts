import { existsSync, globSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { loadCluster, loadServers } from "../../src/config/load.ts";
import { LockSchema } from "../../src/config/lock.ts";
import { render } from "../../src/render/render.ts";

/**
 * Every example, rendered with a fixed lock and fixed servers, must be what lies in `<example>/expected`.
 * `GOLDEN=update npm run golden` rewrites it and still fails, so that a change is never silent.
 */
const HERE = import.meta.dirname;
const EXAMPLES = join(HERE, "../../examples");
const UPDATE = process.env["GOLDEN"] === "update";

test.each(readdirSync(EXAMPLES))("%s renders as before", (example) => {
  const cluster = loadCluster(readFileSync(join(EXAMPLES, example, "cluster.yaml"), "utf8"), "cluster.yaml");
  const servers = loadServers(readFileSync(join(HERE, example, "servers.json"), "utf8"), "servers.json");
  const lock = LockSchema.parse(JSON.parse(readFileSync(join(HERE, example, "versions.lock.json"), "utf8")));
  if (!cluster.ok || !servers.ok) throw new Error("the golden inputs are valid");

  const rendered = Object.fromEntries(
    [...render(cluster.value, servers.value, lock, new Map())].map(([path, { text }]) => [path, text]),
  );

  const folder = join(HERE, example, "expected");
  const before = readFolder(folder);
  if (UPDATE) rewrite(folder, rendered);
  expect(rendered).toEqual(before);
});

function readFolder(folder: string): Record<string, string> {
  if (!existsSync(folder)) return {};
  return Object.fromEntries(
    globSync("**/{*,.*}", { cwd: folder, withFileTypes: true })
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
