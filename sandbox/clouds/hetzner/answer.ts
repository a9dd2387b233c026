import type { Reply } from "../../services/api.ts";
import type { Labels } from "./state.ts";

/** An answer in the words of https://docs.hetzner.cloud/#errors */
export class Refusal extends Error {
  readonly reply: Reply;
  constructor(status: number, code: string, message: string, details: unknown = null) {
    super(message);
    this.reply = { status, body: { error: { code, message, details } } };
  }
}

export const notFound = (what: string) => new Refusal(404, "not_found", `${what} not found`);
export const invalid = (name: string, message: string) =>
  new Refusal(422, "invalid_input", `invalid input in field '${name}'`, {
    fields: [{ name, messages: [message] }],
  });
export const taken = (name: string) =>
  new Refusal(409, "uniqueness_error", `${name} is already used`, { fields: [{ name: "name" }] });

/** One page of a list: https://docs.hetzner.cloud/#pagination */
export function page(key: string, all: readonly unknown[], query: URLSearchParams): Reply {
  const number = Math.max(1, Number(query.get("page") ?? 1));
  const size = Math.min(50, Math.max(1, Number(query.get("per_page") ?? 25)));
  const last = Math.max(1, Math.ceil(all.length / size));
  const pagination = {
    page: number,
    per_page: size,
    previous_page: number > 1 ? number - 1 : null,
    next_page: number < last ? number + 1 : null,
    last_page: last,
    total_entries: all.length,
  };
  const body = { [key]: all.slice((number - 1) * size, number * size), meta: { pagination } };
  return { status: 200, body };
}

/** `?name=` and `?label_selector=`: https://docs.hetzner.cloud/#label-selector */
export function selected<T extends { name: string; labels: Labels }>(
  all: readonly T[],
  query: URLSearchParams,
): T[] {
  const name = query.get("name");
  const terms = (query.get("label_selector") ?? "").split(",").filter(Boolean);
  return all.filter(
    (one) => (name === null || one.name === name) && terms.every((term) => fits(one.labels, term.trim())),
  );
}

function fits(labels: Labels, term: string): boolean {
  const [, key = "", operator, value] = /^!?([^=!]+)(==|=|!=)?(.*)$/.exec(term) ?? [];
  if (operator === "!=") return labels[key] !== value;
  if (operator !== undefined) return labels[key] === value;
  return term.startsWith("!") ? !(key in labels) : key in labels;
}
