import { z } from "zod";
import type { DataPath } from "./diagnostic.ts";

/** What JSON Schema says of a field of a file; only what this project's schemas use. */
export interface Field {
  type?: string;
  description?: string;
  default?: unknown;
  examples?: readonly unknown[];
  enum?: readonly unknown[];
  pattern?: string;
  format?: string;
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
  minItems?: number;
  properties?: Readonly<Record<string, Field>>;
  required?: readonly string[];
  items?: Field;
  additionalProperties?: boolean | Field;
}

/** As a user writes it: what has a default may be left out. Draft 7 is what editors' YAML support reads best. */
export function fieldOf(schema: z.ZodType): Field {
  const field = made.get(schema) ?? (z.toJSONSchema(schema, { io: "input", target: "draft-7" }) as Field);
  made.set(schema, field);
  return field;
}

const made = new WeakMap<z.ZodType, Field>();

export function fieldAt(field: Field | undefined, [part, ...rest]: DataPath): Field | undefined {
  if (part === undefined || field === undefined) return field;
  const { items, properties, additionalProperties } = field;
  if (typeof part === "number") return fieldAt(items, rest);
  return fieldAt(properties?.[part] ?? (typeof additionalProperties === "object" ? additionalProperties : undefined), rest); // prettier-ignore
}

/** Why a field is there, as a part of a sentence. */
export function purposeOf({ description = "" }: Field): string {
  return description.replace(/^[A-Z](?=[a-z ])/, (letter) => letter.toLowerCase()).replace(/\.$/, "");
}

/** The least that a field takes. */
export function exampleOf(field: Field): unknown {
  if (field.default !== undefined) return field.default;
  if (field.examples !== undefined) return field.examples[0];
  if (field.enum !== undefined) return field.enum[0];
  if (field.items !== undefined) return [exampleOf(field.items)];
  const { properties = {}, required = [] } = field;
  return Object.fromEntries(required.map((name) => [name, exampleOf(properties[name] ?? {})]));
}

/** A value as a message shows it. */
export function textOf(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** What a text of this field looks like; empty where nobody can say. */
export function likeOf({ examples, default: fallback }: Field): string {
  return textOf(examples?.[0] ?? fallback ?? "");
}

/** Every map of a file that has a key of this name, e.g. `network`. */
export function placesOf(key: string, field: Field, place = ""): string[] {
  return Object.entries(field.properties ?? {}).flatMap(([name, inner]) => {
    const below = place === "" ? name : `${place}.${name}`;
    return [
      ...(name === key ? [place] : []),
      ...placesOf(key, inner, below),
      ...(inner.items === undefined ? [] : placesOf(key, inner.items, `${below}[]`)),
    ];
  });
}
