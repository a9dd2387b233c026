import type { z } from "zod";
import { lookAlike } from "./characters.ts";
import { byPlace, type DataPath, type Diagnostic, formatPath, nameOf } from "./diagnostic.ts";
import { type Field, fieldAt, fieldOf, likeOf, placesOf, purposeOf, textOf } from "./json-schema.ts";
import type { Source } from "./source.ts";
import { didYouMean, nearest } from "./suggest.ts";
import { typeFault } from "./type-fault.ts";

type Issue = z.core.$ZodIssue;

/** What a schema says of a file: the value, or every fault with its place. */
export type Checked<T> = { ok: true; value: T } | { ok: false; diagnostics: Diagnostic[]; issues: Issue[] };

export function check<S extends z.ZodType>(source: Source, schema: S): Checked<z.output<S>> {
  if (!source.isReadable) return { ok: false, diagnostics: source.faults, issues: [] };
  const result = schema.safeParse(source.data);
  if (result.success && source.faults.length === 0) return { ok: true, value: result.data };
  const issues = result.error?.issues ?? [];
  return { ok: false, diagnostics: diagnose(issues, source, fieldOf(schema)), issues };
}

/** One diagnostic a place: what else is wrong with the same value mostly follows. */
function diagnose(issues: readonly Issue[], source: Source, root: Field): Diagnostic[] {
  const told = issues.flatMap((issue) => translate(issue, source, root));
  const misspelt = new Set(
    issues.flatMap((issue) =>
      issue.code !== "unrecognized_keys"
        ? []
        : issue.keys.map((key) => {
            const path = issue.path as DataPath;
            return formatPath([...path, meantKey(key, path, source.data, root) ?? ""]);
          }),
    ),
  );
  const faults = told.filter(({ code, path }) => code !== "missing-key" || !misspelt.has(path));
  const places = new Set<string>();
  return [...faults, ...source.faults]
    .filter(({ line, column, code, path }) => {
      // Several keys can be missing at one place.
      const place = code === "missing-key" ? path : `${line}:${column}`;
      return places.has(place) ? false : places.add(place);
    })
    .sort(byPlace);
}

/** The key that a misspelt one stands for: one that the map takes and does not have. */
export function meantKey(key: string, path: DataPath, data: unknown, root: Field): string | undefined {
  return nearest(key, freeKeys(path, data, root));
}

function freeKeys(path: DataPath, data: unknown, root: Field): string[] {
  const given = valueAt(data, path) as Record<string, unknown>;
  return Object.keys(fieldAt(root, path)?.properties ?? {}).filter((key) => !Object.hasOwn(given, key));
}

function translate(issue: Issue, source: Source, root: Field): Diagnostic[] {
  const path = issue.path as DataPath;
  const given = valueAt(source.data, path);
  const name = nameOf(path);
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => unknownKey(key, path, source, root));
  }
  if (given === undefined) return [missing(source, path, fieldAt(root, path) ?? {})];
  switch (issue.code) {
    case "invalid_value": {
      const allowed = issue.values.map(String);
      const purpose = allowed.length === 1 ? purposeOf(fieldAt(root, path) ?? {}) : "";
      if (typeof given === "object") return [typeFault(source, path, given, "string", root)];
      return [
        source.at(path, "value", {
          code: "invalid-value",
          message: `${name} can't be ${JSON.stringify(given)}`,
          why: lookAlike(textOf(given)) || purpose,
          suggestion: [didYouMean(textOf(given), allowed), `allowed: ${allowed.join(", ")}`]
            .filter((text, index, all) => all.indexOf(text) === index)
            .join(" "),
        }),
      ];
    }
    case "invalid_type":
      return [typeFault(source, path, given, issue.expected, root)];
    case "too_small":
    case "too_big":
      return [outOfBounds(source, path, given, issue.message, fieldAt(root, path) ?? {})];
    default: {
      const [message, ...rest] = issue.message.split("; ");
      if (given === "" && issue.code === "invalid_format")
        return [outOfBounds(source, path, given, "", fieldAt(root, path) ?? {})];
      const why = lookAlike(textOf(given));
      const like = likeOf(fieldAt(root, path) ?? {});
      const fix = why !== "" ? "type that character anew" : like && `write one like \`${like}\``;
      const fault = { code: "invalid-value", message: `${name} ${message}`, why };
      return [source.at(path, "value", { ...fault, suggestion: rest.join("; ") || fix })];
    }
  }
}

function unknownKey(key: string, path: DataPath, source: Source, root: Field): Diagnostic {
  const elsewhere = placesOf(key, root);
  const free = freeKeys(path, source.data, root);
  const meant = nearest(key, free);
  const rest = free.length === 0 ? "nothing else may be here" : `what else may be here: ${free.join(", ")}`;
  const remedy =
    elsewhere.length > 0 ? `it belongs ${elsewhere.map(placeNamed).join(", or ")}` : `remove it; ${rest}`;
  const place = path.length === 0 ? "at the top" : `in ${formatPath(path)}`;
  return source.at([...path, key], "key", {
    code: "unknown-key",
    message: `unknown key "${key}" ${place}`,
    why: lookAlike(key),
    suggestion: meant === undefined ? remedy : `did you mean "${meant}"?`,
  });
}

function placeNamed(place: string): string {
  if (place === "") return "at the top";
  return place.endsWith("[]") ? `in an entry of \`${place.slice(0, -2)}:\`` : `below \`${place}:\``;
}

function missing(source: Source, path: DataPath, field: Field): Diagnostic {
  const key = String(path.at(-1));
  const allowed = field.enum?.join(", ");
  const example = field.examples?.[0];
  const names = (field.items ?? field).required?.map((name) => `\`${name}:\``).join(", ");
  const list = field.items === undefined ? "" : " with a list";
  const inner = names === undefined ? list : `${list === "" ? "" : `${list}, each entry`} with ${names}`;
  const value = allowed ?? (Array.isArray(example) ? undefined : example);
  return source.at(path, "key", {
    code: "missing-key",
    message: `missing key "${key}"${path.length === 1 ? "" : ` in ${formatPath(path.slice(0, -1))}`}`,
    why: purposeOf(field),
    suggestion:
      allowed !== undefined
        ? `add \`${key}:\` with one of: ${allowed}`
        : value !== undefined
          ? `add \`${key}:\`, for example \`${key}: ${textOf(value)}\``
          : `add \`${key}:\`${inner}`,
  });
}

function outOfBounds(source: Source, path: DataPath, given: unknown, own: string, field: Field): Diagnostic {
  const name = nameOf(path);
  const fault = { code: "invalid-value" };
  if (typeof given === "number") {
    const { minimum, maximum } = field;
    return source.at(path, "value", { ...fault, message: `${name} can't be ${given}`, suggestion: `allowed: ${minimum} to ${maximum}` }); // prettier-ignore
  }
  if (Array.isArray(given)) {
    const [message, ...rest] = own.split("; ");
    return source.at(path, "value", { ...fault, message: `${name} ${message}`, suggestion: rest.join("; ") });
  }
  const { length } = String(given);
  if (length === 0) {
    const like = likeOf(field);
    return source.at(path, "value", { ...fault, message: `${name} is empty`, suggestion: like === "" ? "write a value" : `write one like \`${like}\`` }); // prettier-ignore
  }
  const { minLength = 0, maxLength = 0 } = field;
  const short = minLength > length;
  return source.at(path, "value", {
    ...fault,
    message: short ? `${name} is too short (${length}, at least ${minLength})` : `${name} is too long (${length}, at most ${maxLength})`, // prettier-ignore
    suggestion: short ? `write ${minLength} characters or more` : `shorten it to ${maxLength} characters`,
  });
}

export function valueAt(data: unknown, path: DataPath): unknown {
  return path.reduce<unknown>(
    (value, part) =>
      typeof value === "object" && value !== null && Object.hasOwn(value, part)
        ? (value as Record<string | number, unknown>)[part]
        : undefined,
    data,
  );
}
