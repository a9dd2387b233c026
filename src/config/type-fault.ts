import { type DataPath, type Diagnostic, nameOf } from "./diagnostic.ts";
import { type Field, fieldAt, purposeOf } from "./json-schema.ts";
import type { Fault, Source } from "./source.ts";
import { nearest } from "./suggest.ts";

const KINDS: Readonly<Record<string, string>> = {
  string: "text",
  int: "a whole number",
  boolean: "true or false",
  object: "a map of keys",
  record: "a map of keys",
  array: "a list",
};

/** A value of another kind than its key takes. */
export function typeFault(
  source: Source,
  path: DataPath,
  given: unknown,
  expected: string,
  root: Field,
): Diagnostic {
  const name = nameOf(path);
  const field = fieldAt(root, path) ?? {};
  const fault = {
    code: "wrong-type",
    message:
      given === null
        ? `${name} has no value`
        : `${name} must be ${KINDS[field.type === "integer" ? "int" : expected] ?? expected}, but this is ${kindOf(given, source.written(path))}`,
    ...remedy(source, path, given, expected, field, isRequired(path, root)),
  };
  return source.at(path, given === null ? "key" : "value", fault);
}

function isRequired(path: DataPath, root: Field): boolean {
  return fieldAt(root, path.slice(0, -1))?.required?.includes(String(path.at(-1))) ?? false;
}

function remedy(
  source: Source,
  path: DataPath,
  given: unknown,
  expected: string,
  field: Field,
  required: boolean,
): Pick<Fault, "why" | "suggestion"> {
  const key = String(path.at(-1));
  if (given === null) {
    const what =
      expected === "object" ? `write its keys below it: ${keysOf(field)}` : `write one behind \`${key}:\``;
    return { why: purposeOf(field), suggestion: required ? what : `${what}; or remove \`${key}:\`` };
  }
  switch (expected) {
    case "string":
      if (Array.isArray(given) && given.length === 1 && typeof given[0] === "string")
        return { suggestion: `did you mean "${given[0]}"? Without brackets or a dash it is text` };
      return typeof given === "object"
        ? { suggestion: `write one value behind \`${key}:\`` }
        : { suggestion: `write it in quotes: "${source.written(path)}"` };
    case "boolean":
      return { suggestion: `did you mean ${booleanOf(given)}? allowed: true, false` };
    case "array":
      return Array.isArray(given) || typeof given !== "object"
        ? { suggestion: `write it as a list: [${source.written(path)}]` }
        : { suggestion: "begin each entry with a dash: `- `" };
    case "object":
      if (path.length === 0)
        return {
          suggestion: "begin with `name:`; `infra-k3s init DIR --example one-node` writes a whole one",
        };
      return {
        suggestion: Array.isArray(given) ? `remove the dashes: its keys are ${keysOf(field)}` : `write its keys ${typeof path.at(-1) === "number" ? "instead" : "below it, indented"}: ${keysOf(field)}`, // prettier-ignore
      };
    default:
      return { suggestion: numberRemedy(given, field) };
  }
}

function numberRemedy(given: unknown, { minimum, maximum }: Field): string {
  const range = minimum === undefined || maximum === undefined ? "" : ` allowed: ${minimum} to ${maximum}`;
  if (typeof given === "string" && /^\d+$/.test(given)) return `remove the quotes: ${given};${range}`;
  if (typeof given === "number") return `did you mean ${Math.round(given)}?${range}`;
  return `write a whole number;${range}`;
}

/** YAML 1.1's words for the two, numbers, and misspellings. */
function booleanOf(given: unknown): boolean {
  const word = String(given).toLowerCase();
  if (/^(y|yes|on|1)$/.test(word)) return true;
  return /^(n|no|off|0)$/.test(word) ? false : nearest(word, ["true", "false"]) === "true";
}

function keysOf({ properties = {} }: Field): string {
  return Object.keys(properties)
    .map((key) => `\`${key}:\``)
    .join(", ");
}

function kindOf(value: unknown, written: string): string {
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object") return "a map of keys";
  if (typeof value === "string") return `the text ${JSON.stringify(value)}`;
  return typeof value === "number" ? `the number ${written}` : written;
}
