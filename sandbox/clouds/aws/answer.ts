import { randomUUID } from "node:crypto";
import type { Reply } from "../../services/api.ts";

/** An answer in the words of https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html */
export class Refusal extends Error {
  readonly status: number;
  readonly code: string;
  constructor(code: string, message: string, status = 400) {
    super(message);
    this.code = code;
    this.status = status;
  }
}

export const invalid = (message: string) => new Refusal("InvalidParameterValue", message);

/** Of something that is asked for by its id and is not there; `%` stands for the id. */
export const absent = (code: string, message: string) => (id: string) =>
  new Refusal(code, message.replace("%", id));

/** What becomes an element: a list is one of items, undefined is left out. */
export type Xml = string | number | boolean | undefined | readonly Xml[] | { readonly [name: string]: Xml };

const ESCAPES: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

export function xml(value: Xml): string {
  if (value === undefined) return "";
  if (Array.isArray(value)) return value.map((one: Xml) => `<item>${xml(one)}</item>`).join("");
  if (typeof value !== "object") return String(value).replaceAll(/[&<>"]/g, (sign) => ESCAPES[sign] ?? "");
  return Object.entries(value as Record<string, Xml>)
    .filter(([, inside]) => inside !== undefined)
    .map(([name, inside]) => `<${name}>${xml(inside)}</${name}>`)
    .join("");
}

const DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n';
const reply = (status: number, body: string, id: string): Reply => ({
  status,
  body: `${DECLARATION}${body}`,
  headers: { "content-type": "text/xml;charset=UTF-8", "x-amzn-requestid": id },
});

export function ec2Answer(action: string, value: Xml): Reply {
  const id = randomUUID();
  const inside = `${xml({ requestId: id })}${xml(value)}`;
  const namespace = "http://ec2.amazonaws.com/doc/2016-11-15/";
  return reply(200, `<${action}Response xmlns="${namespace}">${inside}</${action}Response>`, id);
}

/** https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html#api-error-response */
export function ec2Refusal({ code, message, status }: Refusal): Reply {
  const id = randomUUID();
  const errors = { Errors: { Error: { Code: code, Message: message } }, RequestID: id };
  return reply(status, xml({ Response: errors }), id);
}

export function stsAnswer(action: string, value: Xml): Reply {
  const id = randomUUID();
  const inside = xml({ [`${action}Result`]: value, ResponseMetadata: { RequestId: id } });
  const namespace = "https://sts.amazonaws.com/doc/2011-06-15/";
  return reply(200, `<${action}Response xmlns="${namespace}">${inside}</${action}Response>`, id);
}

export function stsRefusal({ code, message, status }: Refusal): Reply {
  const id = randomUUID();
  const error = xml({ Error: { Type: "Sender", Code: code, Message: message }, RequestId: id });
  const namespace = "https://sts.amazonaws.com/doc/2011-06-15/";
  return reply(status, `<ErrorResponse xmlns="${namespace}">${error}</ErrorResponse>`, id);
}

/** https://docs.aws.amazon.com/AWSEC2/latest/APIReference/Query-Requests.html#api-pagination */
export function page<T>(
  all: readonly T[],
  { MaxResults, NextToken }: { MaxResults?: number | undefined; NextToken?: string | undefined },
): { items: T[]; nextToken: string | undefined } {
  const from = NextToken === undefined ? 0 : Number(Buffer.from(NextToken, "base64url").toString());
  if (!Number.isInteger(from) || (NextToken !== undefined && from <= 0))
    throw new Refusal("InvalidPaginationToken", "The pagination token is invalid");
  const to = from + (MaxResults ?? 1000);
  const nextToken = to < all.length ? Buffer.from(String(to)).toString("base64url") : undefined;
  return { items: all.slice(from, to), nextToken };
}
