import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseAllDocuments } from "yaml";

/**
 * JSON schemas for kubeconform, of Kubernetes' own OpenAPI document (api/openapi-spec/swagger.json of k8s.io/kubernetes) and
 * of the CustomResourceDefinitions among `manifests`. Strict: a field that the schema does not know is a fault.
 * To be used with -schema-location 'FOLDER/{{.ResourceKind}}-{{.Group}}-{{.ResourceAPIVersion}}.json'.
 */
export function writeSchemas(folder: string, swagger: string, manifests: readonly string[]): number {
  mkdirSync(folder, { recursive: true });
  const schemas = [...builtIn(readFileSync(swagger, "utf8")), ...manifests.flatMap(custom)];
  for (const [name, schema] of schemas) writeFileSync(join(folder, name), JSON.stringify(schema));
  return schemas.length;
}

type Schema = Record<string, unknown>;
interface Kind {
  group: string;
  version: string;
  kind: string;
}

/** Of the core group kubeconform takes the version for the group. */
function fileOf({ kind, group, version }: Kind): string {
  return `${kind.toLowerCase()}-${group || version}-${version}.json`;
}

/** What stands in the OpenAPI document as a string, and may be a number in a manifest. */
const NUMBERS_TOO = [
  "io.k8s.apimachinery.pkg.util.intstr.IntOrString",
  "io.k8s.apimachinery.pkg.api.resource.Quantity",
];

function builtIn(text: string): [string, Schema][] {
  const { definitions } = JSON.parse(text) as { definitions: Record<string, Schema> };
  for (const name of NUMBERS_TOO) definitions[name] = { type: ["string", "number"] };
  const strictly = Object.fromEntries(
    Object.entries(definitions).map(([name, schema]) => [name, strict(schema) as Schema]),
  );
  return Object.entries(definitions).flatMap(([name, schema]) =>
    ((schema["x-kubernetes-group-version-kind"] ?? []) as Kind[]).map((kind): [string, Schema] => {
      const needed = closure(name, strictly);
      return [fileOf(kind), { $ref: `#/definitions/${name}`, definitions: needed }];
    }),
  );
}

function closure(name: string, definitions: Record<string, Schema>): Record<string, Schema> {
  const found: Record<string, Schema> = {};
  const open = [name];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const schema = definitions[next];
    if (schema === undefined || found[next] !== undefined) continue;
    found[next] = schema;
    for (const [, ref = ""] of JSON.stringify(schema).matchAll(/"#\/definitions\/([^"]+)"/g)) open.push(ref);
  }
  return found;
}

interface Definition {
  kind?: string;
  spec: {
    group: string;
    names: { kind: string };
    versions: { name: string; schema: { openAPIV3Schema: Schema } }[];
  };
}

function custom(manifests: string): [string, Schema][] {
  return parseAllDocuments(manifests)
    .map((document) => document.toJS() as Definition | null)
    .filter((manifest): manifest is Definition => manifest?.kind === "CustomResourceDefinition")
    .flatMap(({ spec: { group, names, versions } }) =>
      versions.map(({ name, schema: { openAPIV3Schema } }): [string, Schema] => {
        const schema = strict(openAPIV3Schema) as { properties: Schema };
        const meta = {
          apiVersion: { type: "string" },
          kind: { type: "string" },
          metadata: { type: "object" },
        };
        return [
          fileOf({ kind: names.kind, group, version: name }),
          { ...schema, properties: { ...schema.properties, ...meta } },
        ];
      }),
    );
}

/** Unknown fields are faults, and what OpenAPI says in words of its own is said in JSON Schema's. */
function strict(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(strict);
  if (typeof schema !== "object" || schema === null) return schema;
  const { format: _, ...rest } = schema as Schema;
  const plain = Object.fromEntries(
    Object.entries(rest).map(([key, value]) => [
      key,
      key === "properties" ? each(value as Schema) : strict(value),
    ]),
  );
  if (plain["x-kubernetes-int-or-string"] === true) return { type: ["string", "integer"] };
  if (plain["nullable"] === true && plain["type"] !== undefined) plain["type"] = [plain["type"], "null"];
  const closed =
    plain["properties"] !== undefined &&
    plain["additionalProperties"] === undefined &&
    plain["x-kubernetes-preserve-unknown-fields"] !== true;
  return closed ? { ...plain, additionalProperties: false } : plain;
}

/** Names of properties may be words of the schema itself, `format` among them. */
function each(properties: Schema): Schema {
  return Object.fromEntries(Object.entries(properties).map(([name, schema]) => [name, strict(schema)]));
}
