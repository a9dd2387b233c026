import type { z } from "zod";
import { meantKey, valueAt } from "./check.ts";
import type { DataPath } from "./diagnostic.ts";
import { exampleOf, type Field, fieldAt, fieldOf } from "./json-schema.ts";

/** Thrown where a rule reads what is itself wrong: that rule has nothing to say yet. */
export class Damaged extends Error {}

/**
 * What a schema would make of a file whose faults were corrected, so that rules across fields can look at all that is right.
 * In the place of a fault stands an example, which throws when it is read.
 */
export function salvage<S extends z.ZodType>(
  schema: S,
  data: unknown,
  issues: readonly z.core.$ZodIssue[],
): z.output<S> | undefined {
  const root = fieldOf(schema);
  const copy: unknown = structuredClone(data);
  const damaged = issues.flatMap((issue): DataPath[] => {
    const path = issue.path as DataPath;
    if (issue.code !== "unrecognized_keys") return [path];
    return issue.keys.flatMap((key) => {
      const meant = meantKey(key, path, data, root);
      delete (valueAt(copy, path) as Record<string, unknown>)[key];
      return meant === undefined ? [] : [[...path, meant]];
    });
  });
  for (const path of damaged) replace(copy, path, root);
  const result = schema.safeParse(copy);
  if (!result.success) return undefined;
  for (const path of damaged) {
    const parent = valueAt(result.data, path.slice(0, -1));
    if (typeof parent !== "object" || parent === null) continue;
    Object.defineProperty(parent, path.at(-1)!, {
      get() {
        throw new Damaged();
      },
    });
  }
  return result.data;
}

function replace(copy: unknown, path: DataPath, root: Field): void {
  const parent = valueAt(copy, path.slice(0, -1)) as Record<string | number, unknown> | undefined;
  const part = path.at(-1);
  if (parent === undefined || part === undefined) return;
  parent[part] = exampleOf(fieldAt(root, path) ?? {});
}
