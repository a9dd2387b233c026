import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { UserError } from "../../output/errors.ts";

/** https://developers.cloudflare.com/api/ */
const API = "https://api.cloudflare.com/client/v4";

/** What Cloudflare refused; `codes` are its own: https://developers.cloudflare.com/fundamentals/api/reference/ */
export class CloudflareRefusal extends UserError {
  readonly status: number;
  readonly codes: readonly number[];
  constructor(what: string, status: number, errors: readonly { code: number; message: string }[]) {
    const why = errors.map(({ code, message }) => `${message} (${code})`).join("; ");
    const fix =
      status === 401 || status === 403
        ? "check TF_VAR_cloudflare_api_token and what it may: infra-k3s doctor credentials"
        : "run it again; if it stays so, look at https://www.cloudflarestatus.com";
    super({ what, why: `it answered ${status}: ${why || "nothing that can be read"}`, fix });
    this.name = "CloudflareRefusal";
    this.status = status;
    this.codes = errors.map(({ code }) => code);
  }
}

const Envelope = z.object({
  success: z.boolean(),
  errors: z.array(z.object({ code: z.number(), message: z.string() })).default([]),
  result: z.unknown(),
  result_info: z
    .object({
      page: z.number().optional(),
      total_pages: z.number().optional(),
      cursor: z.string().optional(),
    })
    .nullish(),
});

type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

/** One call of Cloudflare's API. Reads are repeated where Cloudflare is out of breath; a write never is. */
export async function cloudflare<T>(
  token: string,
  method: Method,
  path: string,
  result: z.ZodType<T>,
  body?: object,
): Promise<T> {
  return result.parse((await ask(token, method, path, body)).result);
}

/** All of a list, page by page. */
export async function cloudflareList<T>(token: string, path: string, item: z.ZodType<T>): Promise<T[]> {
  const items: T[] = [];
  for (let page = 1, pages = 1; page <= pages; page++) {
    const query = `${path.includes("?") ? "&" : "?"}per_page=50&page=${page}`;
    const { result, result_info } = await ask(token, "GET", path + query);
    items.push(...z.array(item).parse(result));
    pages = result_info?.total_pages ?? 1;
  }
  return items;
}

async function ask(token: string, method: Method, path: string, body?: object) {
  for (let tries = 1; ; tries++) {
    const last = method !== "GET" || tries === 3;
    const response = await send(token, method, path, body).catch((error: unknown) => {
      if (last) throw error;
      return undefined;
    });
    const envelope = Envelope.safeParse(await response?.json().catch(() => undefined));
    if (envelope.success && response?.ok === true && envelope.data.success) return envelope.data;
    const status = response?.status ?? 0;
    if (last || (response !== undefined && !response.ok && status !== 429 && status < 500)) {
      const what = `Cloudflare's API refused ${method} ${path}`;
      throw new CloudflareRefusal(what, status, envelope.data?.errors ?? []);
    }
    await sleep(Math.min(1000 * Number(response?.headers.get("retry-after") ?? tries), 30_000));
  }
}

async function send(token: string, method: Method, path: string, body?: object): Promise<Response> {
  try {
    return await fetch(`${API}${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(30_000),
    });
  } catch (error) {
    const why = error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error);
    throw new UserError({ what: "Cloudflare's API can't be reached", why, fix: "check the network" });
  }
}
