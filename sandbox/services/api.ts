import type { IncomingHttpHeaders } from "node:http";

/** What a simulated API is asked. */
export interface Request {
  method: string;
  host: string;
  /** With the query. */
  path: string;
  headers: IncomingHttpHeaders;
  authorization: string;
  /** The address it comes from, where that matters. */
  client?: string | undefined;
  body: string;
}

/** What it answers: text as it is, anything else as JSON, nothing where the body is undefined. */
export interface Reply {
  status: number;
  body: unknown;
  headers?: Readonly<Record<string, string>>;
}

export type Api = (request: Request) => Promise<Reply>;
