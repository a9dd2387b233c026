import { join } from "node:path";
import { expect, test } from "vitest";
import { referencePage, schemaFile } from "../../src/config/reference.ts";
import { expectFile } from "../golden/file.ts";

const ROOT = join(import.meta.dirname, "../..");

test.each([
  ["the schema", "schemas/cluster.schema.json", schemaFile],
  ["the reference page", "docs/cluster-yaml.md", referencePage],
])("%s is what the code says", (_, path, make) => {
  expect(make()).not.toBe("");
  expectFile(join(ROOT, path), make());
});

/** Every field, however deep. */
function undescribed(
  field: { description?: string; properties?: object; items?: object },
  path: string,
): string[] {
  return [
    ...(field.description === undefined && path !== "" && !path.endsWith("[]") ? [path] : []),
    ...Object.entries(field.properties ?? {}).flatMap(([key, inner]) => undescribed(inner as object, `${path}.${key}`)), // prettier-ignore
    ...(field.items === undefined ? [] : undescribed(field.items, `${path}[]`)),
  ];
}

test("every field is described", () => {
  expect(undescribed(JSON.parse(schemaFile()) as object, "")).toEqual([]);
});
