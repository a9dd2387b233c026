import { z } from "zod";
import { UserError } from "../../output/errors.ts";
import { ask, type Question } from "../http/ask.ts";

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

/** One call of Cloudflare's API. Reads are repeated where Cloudflare is out of breath; a write never is. */
export async function cloudflare<T>(
  token: string,
  method: Question["method"],
  path: string,
  result: z.ZodType<T>,
  body?: object,
): Promise<T> {
  return result.parse((await call(token, method, path, body)).result);
}

/** All of a list, page by page. */
export async function cloudflareList<T>(token: string, path: string, item: z.ZodType<T>): Promise<T[]> {
  const items: T[] = [];
  for (let page = 1, pages = 1; page <= pages; page++) {
    const query = `${path.includes("?") ? "&" : "?"}per_page=50&page=${page}`;
    const { result, result_info } = await call(token, "GET", path + query);
    items.push(...z.array(item).parse(result));
    pages = result_info?.total_pages ?? 1;
  }
  return items;
}

async function call(token: string, method: Question["method"], path: string, body?: object) {
  const answer = await ask(`${API}${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const what = `Cloudflare's API refused ${method} ${path}`;
  if (answer.status === 0)
    throw new UserError({
      what: "Cloudflare's API can't be reached",
      why: answer.body,
      fix: "check the network",
    });
  const envelope = Envelope.safeParse(readJson(answer.body));
  if (envelope.success && envelope.data.success) return envelope.data;
  throw new CloudflareRefusal(what, answer.status, envelope.data?.errors ?? []);
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
