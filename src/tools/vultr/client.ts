import { z } from "zod";
import type { Question } from "../http/ask.ts";
import { type BearerApi, callWithBearer } from "../http/bearer.ts";

/** https://www.vultr.com/api/ */
export const API = "https://api.vultr.com/v2";

const VULTR: BearerApi = {
  provider: "Vultr",
  url: API,
  fix: "check TF_VAR_vultr_api_key in .envrc.local, what its user may, and the addresses it is good from: infra-k3s doctor credentials",
};

const Meta = z.object({ meta: z.object({ links: z.object({ next: z.string() }) }) });

/** One call of Vultr's API; what it answers, unread. */
export function vultr(apiKey: string, method: Question["method"], path: string): Promise<unknown> {
  return callWithBearer(VULTR, apiKey, method, path);
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
