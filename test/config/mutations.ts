import fc from "fast-check";
import { isCollection, isMap, isScalar, type Node, type Pair, parseDocument, type Scalar, visit } from "yaml";
import { type Field, fieldAt } from "../../src/config/json-schema.ts";

/** A valid file with one fault put in, and what must be said of it. */
export interface Mutation {
  kind: "key" | "type" | "missing" | "repeated" | "enum";
  what: string;
  text: string;
  line: number;
  /** What the suggestion must name. */
  meant: string;
}

/** One key with its value in a file. */
interface Place {
  file: string;
  text: string;
  path: (string | number)[];
  key: Scalar & { range: [number, number, number] };
  value: Node & { range: [number, number, number] };
  /** The map that has the key: where what is missing in it is told. */
  siblings: readonly Pair[];
  parent: number;
  field: Field;
  required: boolean;
}

/** Every key of a file, also within brackets. */
export function placesOf(file: string, text: string, root: Field): Place[] {
  const places: Place[] = [];
  visit(parseDocument(text), {
    Pair: (_, pair, ancestors) => {
      const { key, value } = pair as unknown as Pick<Place, "key" | "value">;
      const map = ancestors.at(-1);
      if (!isMap(map) || !isScalar(key) || value === null) return;
      const path = pathTo([...ancestors, pair] as Node[]);
      const above = path.slice(0, -1);
      const owner = ancestors.toReversed().find((node) => "key" in node) as Pair<Scalar> | undefined;
      const isEntry = typeof above.at(-1) === "number";
      places.push({
        file, text, path, key, value,
        siblings: map.items,
        parent: isEntry ? (map.range?.[0] ?? 0) : (owner?.key.range?.[0] ?? -1),
        field: fieldAt(root, path) ?? {},
        required: fieldAt(root, above)?.required?.includes(String(key.value)) ?? false,
      }); // prettier-ignore
    },
  });
  return places;
}

function pathTo(ancestors: readonly Node[]): (string | number)[] {
  return ancestors.flatMap((node, index): (string | number)[] => {
    const inner = ancestors[index + 1];
    if ("key" in node) return [(node.key as Scalar<string>).value];
    return isCollection(node) && !isMap(node) ? [node.items.indexOf(inner)] : [];
  });
}

const letters = fc.constantFrom(..."abcdefghijklmnopqrstuvwxyz".split(""));

/** One letter less, more, other, or two that changed places. */
function typo(word: string): fc.Arbitrary<string> {
  return fc
    .tuple(fc.constantFrom("less", "more", "other", "swapped"), fc.nat(word.length - 1), letters)
    .map(([edit, at, letter]) => {
      const [before, after] = [word.slice(0, at), word.slice(at + 1)];
      if (edit === "less") return before + after;
      if (edit === "more") return before + letter + word.slice(at);
      return edit === "other"
        ? before + letter + after
        : before + after.slice(0, 1) + word[at] + after.slice(1);
    })
    .filter((wrong) => wrong !== word && wrong !== "");
}

const lineAt = (text: string, offset: number) => text.slice(0, offset).split("\n").length;
const splice = (text: string, [start, end]: readonly number[], by: string) => text.slice(0, start) + by + text.slice(end); // prettier-ignore

type Made = fc.Arbitrary<Mutation | undefined>;
const made = (kind: Mutation["kind"], { file, path }: Place, text: string, line: number, meant: string): Mutation => ({ kind, what: `${file} ${path.join(".")}`, text, line, meant }); // prettier-ignore

export function misspeltKey(place: Place): Made {
  const { text, key, siblings } = place;
  const name = String(key.value);
  const taken = new Set(siblings.map((pair) => String((pair.key as Scalar).value)));
  return typo(name).map((wrong) =>
    taken.has(wrong)
      ? undefined
      : made(
          "key",
          place,
          splice(text, key.range, wrong),
          lineAt(text, key.range[0]),
          `did you mean "${name}"?`,
        ),
  );
}

export function misspeltValue(place: Place): Made {
  const { text, value, field } = place;
  const words = field.type === "boolean" ? ["true", "false"] : field.enum?.map(String);
  if (words === undefined || !isScalar(value)) return fc.constant(undefined);
  const word = String(value.value);
  const meant = field.type === "boolean" ? `did you mean ${word}?` : `did you mean "${word}"?`;
  return typo(word).map((wrong) =>
    words.includes(wrong)
      ? undefined
      : made("enum", place, splice(text, value.range, wrong), lineAt(text, value.range[0]), meant),
  );
}

const OTHERS: Readonly<Record<string, readonly string[]>> = {
  string: ["42", "true", "1.5", "[a, b]", "{ a: b }"],
  boolean: ["42", "maybe", "[true]", "{ a: b }"],
  integer: ["often", "true", "1.5", "[1]", "{ a: b }"],
  object: ["42", "true", "word", "[a]"],
  array: ["42", "true", "word", "{ a: b }"],
};

export function wrongType(place: Place): Made {
  const { text, value, field } = place;
  const others = OTHERS[field.type ?? ""] ?? [];
  // A block's range goes on to where the next key begins, with the comments between.
  const end = isCollection(value) && value.flow !== true ? endOf(text, value) : value.range[1];
  return fc
    .constantFrom(...others)
    .map((other) =>
      made("type", place, splice(text, [value.range[0], end], other), lineAt(text, value.range[0]), ""),
    );
}

export function missingKey(place: Place): Made {
  const { text, key, value, siblings, parent, required } = place;
  if (!required) return fc.constant(undefined);
  const index = siblings.findIndex((pair) => pair.key === key);
  const next = siblings[index + 1]?.key as Scalar | undefined;
  const before = siblings[index - 1]?.value as Node | undefined;
  const range = next?.range == null ? [before?.range?.[1] ?? key.range[0], endOf(text, value)] : [key.range[0], next.range[0]]; // prettier-ignore
  const without = splice(text, range, "");
  const first = parent === -1 ? firstKey(without) : parent;
  return fc.constant(made("missing", place, without, lineAt(without, first), `\`${String(key.value)}:\``));
}

/** The same key once more, on a line of its own or behind a comma. */
export function repeatedKey(place: Place): Made {
  const { text, key, value } = place;
  if (!isScalar(value)) return fc.constant(undefined);
  const pair = text.slice(key.range[0], value.range[1]);
  const start = text.lastIndexOf("\n", key.range[0] - 1) + 1;
  const isFlow = text.slice(start, key.range[0]).includes("{");
  const separator = isFlow ? ", " : `\n${" ".repeat(key.range[0] - start)}`;
  const repeated = splice(text, [key.range[0], value.range[1]], pair + separator + pair);
  return fc.constant(made("repeated", place, repeated, lineAt(text, key.range[0]) + (isFlow ? 0 : 1), "remove one of")); // prettier-ignore
}

function firstKey(text: string): number {
  const { contents } = parseDocument(text);
  return isMap(contents) ? ((contents.items[0]?.key as Scalar | undefined)?.range?.[0] ?? 0) : 0;
}

/** Where a node's last letter is: without the comments and empty lines behind it. */
function endOf(text: string, node: Node): number {
  let end = isScalar(node) || (isCollection(node) && node.flow === true) ? (node.range?.[1] ?? 0) : 0;
  visit(node, { Scalar: (_, { range }) => void (end = Math.max(end, range?.[1] ?? 0)) });
  visit(node, {
    Collection: (_, { flow, range }) => void (flow === true && (end = Math.max(end, range?.[1] ?? 0))),
  });
  return end;
}
