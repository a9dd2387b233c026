import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Ajv } from "ajv";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { loadCluster } from "../../src/config/load.ts";
import { schemaFile } from "../../src/config/reference.ts";
import { ClusterSchema } from "../../src/config/schema.ts";
import { readShipped } from "../../src/repository/shipped.ts";

const ROOT = join(import.meta.dirname, "../..");
const SCHEMA = "schemas/cluster.schema.json";
const examples = globSync("examples/*/cluster.yaml", { cwd: ROOT });
const invalid = globSync("test/config/invalid/*.yaml", { cwd: ROOT });
const textOf = (path: string) => readFileSync(join(ROOT, path), "utf8");

const validate = new Ajv({ strict: true, formats: { email: true } }).compile(JSON.parse(schemaFile()) as object); // prettier-ignore

test.each(examples)("an editor accepts %s, and finds the schema", (example) => {
  const [, address = ""] = /^# yaml-language-server: \$schema=(\S+)\n/.exec(textOf(example)) ?? [];

  expect(join(example, "..", address)).toBe(SCHEMA);
  expect(validate(parse(textOf(example))) || validate.errors).toBe(true);
});

test("the schema is shipped where `init` says it is", () => {
  expect(readShipped([], []).get(SCHEMA)?.text).toBe(textOf(SCHEMA));
});

test(
  "an editor refuses what is refused here, as far as a schema of one field can say it",
  { timeout: 60_000 },
  () => {
    const differing = invalid.filter((path) => {
      const loaded = loadCluster(readFileSync(join(ROOT, path)), "cluster.yaml");
      // What is no YAML never comes to a schema.
      if (!loaded.ok && loaded.diagnostics.some(({ code }) => /^(yaml|duplicate-key|key-no|empty|not-utf|too-large|odd|invisible|control|carriage|ambiguous)/.test(code))) return false; // prettier-ignore
      const data: unknown = parse(textOf(path));
      const result = ClusterSchema.safeParse(data);
      const sayable = result.success || result.error.issues.some(({ code }) => code !== "custom");
      return sayable && validate(data) !== result.success;
    });

    expect(differing).toEqual([]);
    expect(invalid.length).toBeGreaterThanOrEqual(60);
  },
);
