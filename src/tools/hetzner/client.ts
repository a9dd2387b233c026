import { z } from "zod";
import { UserError } from "../../output/errors.ts";
import { ask, type Question } from "../http/ask.ts";

/** https://docs.hetzner.cloud/ */
export const API = "https://api.hetzner.cloud/v1";

const Meta = z.object({ meta: z.object({ pagination: z.object({ next_page: z.number().nullable() }) }) });

/** One call of Hetzner's API; what it answers, unread. */
export async function hetzner(
  token: string,
  method: Question["method"],
  path: string,
  body?: object,
): Promise<unknown> {
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
  const answer = await ask(`${API}${path}`, {
    method,
    headers,
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  if (answer.status >= 200 && answer.status < 300) return answer.body === "" ? {} : JSON.parse(answer.body);
  const why = answer.status === 0 ? answer.body : `it answered ${answer.status}: ${answer.body}`;
  if (answer.status === 401 || answer.status === 403)
    throw new UserError({
      what: "Hetzner does not accept the token",
      why,
      fix: "make one in the project under Security, API tokens (read and write), and put it into .envrc.local as TF_VAR_hcloud_token",
    });
  throw new UserError({ what: `Hetzner's API can't be asked: ${method} ${path}`, why });
}

/** All of a list under `key`, page by page. */
export async function hetznerList<T>(
  token: string,
  path: string,
  key: string,
  item: z.ZodType<T>,
): Promise<T[]> {
  const items: T[] = [];
  for (let page: number | null = 1; page !== null;) {
    const separator = path.includes("?") ? "&" : "?";
    const answer = await hetzner(token, "GET", `${path}${separator}per_page=50&page=${page}`);
    items.push(...(z.object({ [key]: z.array(item) }).parse(answer)[key] ?? []));
    page = Meta.parse(answer).meta.pagination.next_page;
  }
  return items;
}
