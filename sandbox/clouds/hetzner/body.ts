import { z } from "zod";
import { invalid, Refusal } from "./answer.ts";

/** https://docs.hetzner.cloud/#labels */
export const LabelsSchema = z.record(
  z.string().regex(/^[A-Za-z0-9]([A-Za-z0-9_./-]*[A-Za-z0-9])?$/),
  z.string().regex(/^([A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?$/),
);

/** The request's JSON; an unknown field is refused, so that a typing error of ours is found. */
export function parseBody<S extends z.ZodType>(schema: S, body: string): z.output<S> {
  let data: unknown;
  try {
    data = body === "" ? {} : JSON.parse(body);
  } catch {
    throw new Refusal(400, "json_error", "invalid JSON input in your request");
  }
  const parsed = schema.safeParse(data);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw invalid(issue?.path.join(".") ?? "", issue?.message ?? "is invalid");
}
