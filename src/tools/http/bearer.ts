import { UserError } from "../../output/errors.ts";
import { ask, type Question } from "./ask.ts";

/** A JSON API that knows its caller by a token. */
export interface BearerApi {
  /** As in "Hetzner does not accept the token". */
  provider: string;
  url: string;
  /** What to do where the token is refused. */
  fix: string;
}

/** One call; what it answers, unread. */
export async function callWithBearer(
  { provider, url, fix }: BearerApi,
  token: string,
  method: Question["method"],
  path: string,
): Promise<unknown> {
  const answer = await ask(`${url}${path}`, { method, headers: { authorization: `Bearer ${token}` } });
  if (answer.status >= 200 && answer.status < 300) return answer.body === "" ? {} : JSON.parse(answer.body);
  const why = answer.status === 0 ? answer.body : `it answered ${answer.status}: ${answer.body}`;
  throw answer.status === 401 || answer.status === 403
    ? new UserError({ what: `${provider} does not accept the token`, why, fix })
    : new UserError({ what: `${provider}'s API can't be asked: ${method} ${path}`, why });
}
