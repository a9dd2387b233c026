import { setTimeout as sleep } from "node:timers/promises";

export interface Question {
  method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  headers: Readonly<Record<string, string>>;
  body?: string | undefined;
}

export interface Answer {
  /** 0 where there was none. */
  status: number;
  /** Where there was no answer: why. */
  body: string;
}

const TRIES = 4;
const PATIENCE_MS = 30_000;
const LONGEST_MS = 60_000;

/**
 * Asks an API. A read is repeated where the other side is out of breath (429, with its Retry-After), fails, or its answer breaks
 * off; a write never is: whether it was done is not known.
 */
export async function ask(url: string, question: Question): Promise<Answer> {
  for (let tries = 1; ; tries++) {
    const { status, body, retryAfter } = await once(url, question);
    const passing = status === 0 || status === 429 || status >= 500;
    if (!passing || question.method !== "GET" || tries === TRIES) return { status, body };
    await sleep(Math.min(retryAfter > 0 ? retryAfter * 1000 : 500 * 2 ** tries, LONGEST_MS));
  }
}

async function once(url: string, { method, headers, body }: Question) {
  try {
    const signal = AbortSignal.timeout(PATIENCE_MS);
    const response = await fetch(url, { method, headers, ...(body === undefined ? {} : { body }), signal });
    const text = await response.text();
    // Some answer a body that is cut without closing the connection.
    const cut =
      response.ok && response.headers.get("content-type")?.includes("json") === true && !isJson(text);
    return {
      status: cut ? 0 : response.status,
      body: cut ? "the answer breaks off" : text,
      retryAfter: Number(response.headers.get("retry-after")),
    };
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    return { status: 0, body: cause instanceof Error ? cause.message : String(cause), retryAfter: 0 };
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return text === "";
  }
}
