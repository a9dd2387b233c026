import { z } from "zod";
import type { Question } from "../http/ask.ts";
import { type BearerApi, callWithBearer } from "../http/bearer.ts";

/** https://docs.hetzner.cloud/ */
export const API = "https://api.hetzner.cloud/v1";

const HETZNER: BearerApi = {
  provider: "Hetzner",
  url: API,
  fix: "make one in the project under Security, API tokens (read and write), and put it into .envrc.local as TF_VAR_hcloud_token",
};

const Meta = z.object({ meta: z.object({ pagination: z.object({ next_page: z.number().nullable() }) }) });

/** One call of Hetzner's API; what it answers, unread. */
export function hetzner(token: string, method: Question["method"], path: string): Promise<unknown> {
  return callWithBearer(HETZNER, token, method, path);
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
