import { exampleOf, type Field, fieldOf, textOf } from "./json-schema.ts";
import { ClusterSchema } from "./schema.ts";

/** What editors complete and check `cluster.yaml` by. */
export function schemaFile(): string {
  const { $schema, ...rest } = fieldOf(ClusterSchema) as Field & { $schema: string };
  const title = "infra-k3s: cluster.yaml";
  return `${JSON.stringify({ $schema, title, ...rest }, null, 2)}\n`;
}

const INTRO = `# cluster.yaml

<!-- Made of src/config/schema.ts by \`npm run golden\`; edit it there. -->

One file says what a cluster is. \`infra-k3s validate\` tells every fault in it at once, with its place; no other command does anything before it is free of them. [Examples](../examples/) show it whole.

Editors complete and check it while you write: in VS Code and others by the YAML language server, which reads the schema that the first line names. \`init\` writes that line, and \`render\` puts the schema beside it:

\`\`\`yaml
# yaml-language-server: $schema=schemas/cluster.schema.json
\`\`\`

It is YAML 1.2 in UTF-8, one document, without aliases (\`*x\`), merge keys (\`<<\`) and tags (\`!x\`): each value stands where it counts. What older readers take for something else (\`no\`, \`012\`) is written in quotes. Secrets are in no part of it.
`;

/** The reference page: a section per key. */
export function referencePage(): string {
  const root = fieldOf(ClusterSchema);
  const sections = Object.entries(root.properties ?? {}).map(([key, field]) => section(key, field, isRequired(key, root))); // prettier-ignore
  return [INTRO, ...sections].join("\n");
}

function isRequired(key: string, { required = [] }: Field): boolean {
  return required.includes(key);
}

function section(key: string, field: Field, required: boolean): string {
  const inner = field.items?.properties === undefined ? field : field.items;
  const head = `## \`${key}\`\n\n${field.description}${required ? " Required." : ""}\n`;
  if (inner.properties === undefined)
    return `${head}\n${table([[key, { ...field, description: "" }, required]])}`;
  const rows = rowsOf(inner);
  return `${head}${field.items === undefined ? "" : "\nA list; each entry has:\n"}\n${table(rows)}`;
}

/** Each key of an object; those of an object in it by their path. */
function rowsOf(object: Field): Row[] {
  return Object.entries(object.properties ?? {}).flatMap(([name, one]): Row[] =>
    one.properties === undefined
      ? [[name, one, isRequired(name, object)]]
      : rowsOf(one).map(([inner, field, required]) => [`${name}.${inner}`, field, required]),
  );
}

type Row = [name: string, field: Field, required: boolean];

function table(rows: readonly Row[]): string {
  const lines = rows.map(([name, field, required]) =>
    [
      `\`${name}\``,
      field.description ?? "",
      typeOf(field),
      allowedOf(field),
      field.default === undefined ? (required ? "required" : "") : code(field.default),
      (field.examples ?? (field.default === undefined ? [exampleOf(field)] : [])).map(code).join(", "),
    ].join(" | "),
  );
  return ["key | what | type | allowed | default | example", "--- | --- | --- | --- | --- | ---", ...lines]
    .map((line) => `| ${line} |\n`)
    .join("");
}

function typeOf({ type = "", items }: Field): string {
  const words: Record<string, string> = { string: "text", integer: "whole number", boolean: "true or false" };
  return items === undefined ? (words[type] ?? type) : `list of ${typeOf(items)}`;
}

function allowedOf(field: Field): string {
  const { enum: words, format, minimum, maximum, minLength, maxLength, pattern, items, minItems } = field;
  if (words !== undefined) return words.map(code).join(", ");
  if (format === "email") return "an e-mail address";
  if (items !== undefined) return `${minItems ?? 0} or more`;
  const length = [minLength === undefined || minLength < 2 ? "" : `at least ${minLength}`, maxLength === undefined ? "" : `at most ${maxLength}`]; // prettier-ignore
  return [
    minimum === undefined ? "" : `${minimum} to ${maximum}`,
    length.join(" ").trim() === "" ? "" : `${length.filter(Boolean).join(", ")} characters`,
    pattern === undefined ? "" : code(pattern),
  ]
    .filter(Boolean)
    .join(", ");
}

/** As it is written in YAML; a bar would end the table's cell. */
function code(value: unknown): string {
  return `\`${textOf(value).replaceAll("|", "\\|")}\``;
}
