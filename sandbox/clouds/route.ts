import type { Reply, Request } from "../services/api.ts";

export interface Call extends Request {
  /** What stands for the parts in braces. */
  parameters: Readonly<Record<string, string>>;
  query: URLSearchParams;
}

export type Handler = (call: Call) => Reply | Promise<Reply>;

/** The handler of `METHOD /path/{part}`; undefined where nothing is simulated. */
export function route(
  routes: Readonly<Record<string, Handler>>,
  request: Request,
): (() => Promise<Reply>) | undefined {
  const [path = "", query = ""] = request.path.split("?");
  const given = path.split("/");
  for (const [pattern, handler] of Object.entries(routes)) {
    const [method, template = ""] = pattern.split(" ");
    const wanted = template.split("/");
    if (method !== request.method || wanted.length !== given.length) continue;
    const parameters: Record<string, string> = {};
    const fits = wanted.every((part, index) => {
      const value = given[index] ?? "";
      if (!part.startsWith("{")) return part === value;
      parameters[part.slice(1, -1)] = decodeURIComponent(value);
      return value !== "";
    });
    if (fits) return async () => handler({ ...request, parameters, query: new URLSearchParams(query) });
  }
  return undefined;
}
