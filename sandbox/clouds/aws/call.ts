import { z } from "zod";
import type { Machines } from "../machines.ts";
import type { Xml } from "./answer.ts";
import { Refusal } from "./answer.ts";
import { parseParameters, type Tree } from "./query.ts";
import type { Account, Region, Tags } from "./state.ts";

export interface Call {
  action: string;
  region: string;
  account: string;
  parameters: Record<string, Tree>;
  machines: Machines;
  now: number;
  read: () => Region;
  readAccount: () => Account;
  /** Changes the region in one step; of a dry run nothing is kept. */
  change: <R>(work: (region: Region) => R) => R;
  /** Everything is checked: ends a dry run. */
  proceed: () => void;
}

export type Action = (call: Call) => Xml | Promise<Xml>;

/** A call with its parameters; what is not among them is not simulated. */
export function action<Shape extends z.ZodRawShape>(
  shape: Shape,
  work: (parameters: z.output<z.ZodObject<Shape>>, call: Call) => Xml | Promise<Xml>,
): Action {
  const schema = z.strictObject(shape);
  return (call) =>
    work(
      parseParameters(
        schema as unknown as z.ZodType<z.output<z.ZodObject<Shape>>>,
        call.action,
        call.parameters,
      ),
      call,
    );
}

export const DONE = { return: true };

export const tagSet = (tags: Tags | undefined): Xml =>
  Object.entries(tags ?? {}).map(([key, value]) => ({ key, value }));

/** Keeps the tags that a call gives to what it makes; `made` is the ids by resource type. */
export function keepTags(
  region: Region,
  specifications: readonly { ResourceType: string; Tag: readonly { Key: string; Value: string }[] }[],
  made: Readonly<Record<string, readonly string[]>>,
): void {
  for (const { ResourceType, Tag } of specifications) {
    const ids = made[ResourceType];
    if (ids === undefined)
      throw new Refusal("InvalidParameterValue", `'${ResourceType}' is not a valid taggable resource type for this operation.`); // prettier-ignore
    for (const id of ids) setTags(region, id, Tag);
  }
}

export function setTags(region: Region, id: string, tags: readonly { Key: string; Value: string }[]): void {
  const own = (region.tags[id] ??= {});
  for (const { Key, Value } of tags) {
    if (Key.toLowerCase().startsWith("aws:"))
      throw new Refusal(
        "InvalidParameterValue",
        `Tag keys starting with 'aws:' are reserved for internal use`,
      );
    own[Key] = Value;
  }
  if (Object.keys(own).length > 50) throw new Refusal("TagLimitExceeded", "The maximum number of tags is 50");
}

/** Each of the ids, or the refusal for one that is not there. */
export function each<T>(
  all: readonly T[],
  ids: readonly string[],
  idOf: (one: T) => string,
  missing: (id: string) => Refusal,
): T[] {
  return ids.map((id) => {
    const found = all.find((one) => idOf(one) === id);
    if (found === undefined) throw missing(id);
    return found;
  });
}
