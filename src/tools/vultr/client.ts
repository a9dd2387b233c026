import { z } from "zod";
import { UserError } from "../../output/errors.ts";
import { ask, type Question } from "../http/ask.ts";

/** https://www.vultr.com/api/ */
export const API = "https://api.vultr.com/v2";

const Meta = z.object({ meta: z.object({ links: z.object({ next: z.string() }) }) });

/** One call of Vultr's API; what it answers, unread. */
export async function vultr(
  key: string,
  method: Question["method"],
  path: string,
  body?: object,
): Promise<unknown> {
  const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
  const answer = await ask(`${API}${path}`, {
    method,
    headers,
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  if (answer.status >= 200 && answer.status < 300) return answer.body === "" ? {} : JSON.parse(answer.body);
  const why = answer.status === 0 ? answer.body : `it answered ${answer.status}: ${answer.body}`;
  if (answer.status === 401 || answer.status === 403)
    throw new UserError({
      what: "Vultr does not accept the API key",
      why,
      fix: "check TF_VAR_vultr_api_key in .envrc.local, what its user may, and the addresses it is good from: infra-k3s doctor credentials",
    });
  throw new UserError({ what: `Vultr's API can't be asked: ${method} ${path}`, why });
}

/** All of a list under `key`, page by page. */
export async function vultrList<T>(
  apiKey: string,
  path: string,
  key: string,
  item: z.ZodType<T>,
): Promise<T[]> {
  const items: T[] = [];
  for (let cursor: string | undefined = ""; cursor !== undefined;) {
    const separator = path.includes("?") ? "&" : "?";
    const more = cursor === "" ? "" : `&cursor=${encodeURIComponent(cursor)}`;
    const answer = await vultr(apiKey, "GET", `${path}${separator}per_page=500${more}`);
    items.push(...(z.object({ [key]: z.array(item) }).parse(answer)[key] ?? []));
    cursor = Meta.parse(answer).meta.links.next || undefined;
  }
  return items;
}
