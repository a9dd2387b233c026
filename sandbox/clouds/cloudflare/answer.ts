import { z } from "zod";
import type { Reply } from "../../services/api.ts";

/** The envelope of every answer: https://developers.cloudflare.com/fundamentals/api/how-to/make-api-calls/ */
export function ok(result: unknown, more: object = {}): Reply {
  return { status: 200, body: { result, success: true, errors: [], messages: [], ...more } };
}

export class Refusal extends Error {
  readonly reply: Reply;
  constructor(status: number, code: number, message: string, headers: Record<string, string> = {}) {
    super(message);
    const body = { success: false, errors: [{ code, message }], messages: [], result: null };
    this.reply = { status, body, headers };
  }
}

/** One page of a list. */
export function page(all: readonly unknown[], query: URLSearchParams, size = 20): Reply {
  const number = Math.max(1, Number(query.get("page") ?? 1));
  const per_page = Math.max(1, Number(query.get("per_page") ?? size));
  const some = all.slice((number - 1) * per_page, number * per_page);
  const total_pages = Math.ceil(all.length / per_page);
  return ok(some, {
    result_info: { page: number, per_page, count: some.length, total_count: all.length, total_pages },
  });
}

/** The request's JSON; an unknown field is refused, so that a typing error of ours is found. */
export function parseBody<S extends z.ZodType>(schema: S, body: string): z.output<S> {
  let data: unknown;
  try {
    data = JSON.parse(body);
  } catch {
    throw new Refusal(400, 9207, "Request body is invalid.");
  }
  const parsed = schema.safeParse(data);
  if (parsed.success) return parsed.data;
  throw new Refusal(400, 9207, `Request body is invalid: ${z.prettifyError(parsed.error)}`);
}
