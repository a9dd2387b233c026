import { z } from "zod";
import type { Reply } from "../../services/api.ts";

/** An answer in Vultr's words: https://www.vultr.com/api/#section/Introduction/Response-Codes */
export class Refusal extends Error {
  readonly reply: Reply;
  constructor(status: number, error: string, headers: Readonly<Record<string, string>> = {}) {
    super(error);
    this.reply = { status, body: { error, status }, headers };
  }
}

export const NOTHING: Reply = { status: 204, body: undefined };

/** The request's JSON; what is not simulated is named. */
export function parseBody<S extends z.ZodType>(schema: S, body: string): z.output<S> {
  let data: unknown;
  try {
    data = body === "" ? {} : JSON.parse(body);
  } catch {
    throw new Refusal(400, "Invalid JSON.");
  }
  const parsed = schema.safeParse(data);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  if (issue?.code === "unrecognized_keys") throw new Refusal(501, `not simulated: ${issue.keys.join(", ")}`);
  throw new Refusal(400, `Invalid ${issue?.path.join(".") ?? "request"}: ${issue?.message ?? ""}`);
}

const link = (name: string, at: number) => Buffer.from(`${name}__${at}`).toString("base64");

/** One page of a list: https://www.vultr.com/api/#section/Introduction/Meta-and-Pagination */
export function page(key: string, all: readonly unknown[], query: URLSearchParams): Reply {
  const size = Math.min(500, Math.max(1, Number(query.get("per_page") ?? 100)));
  const cursor = query.get("cursor") ?? "";
  const [, position] = /^(?:next|prev)__(\d+)$/.exec(Buffer.from(cursor, "base64").toString()) ?? [];
  if (cursor !== "" && position === undefined) throw new Refusal(400, "Invalid cursor.");
  const from = Number(position ?? 0);
  const links = {
    next: from + size < all.length ? link("next", from + size) : "",
    prev: from > 0 ? link("prev", Math.max(0, from - size)) : "",
  };
  return { status: 200, body: { [key]: all.slice(from, from + size), meta: { total: all.length, links } } };
}
