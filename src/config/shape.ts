import { z } from "zod";

/**
 * Text of one form. `must` says which, and `correct` makes of a wrong text what was probably meant; it is offered where it
 * has the form.
 */
export function shaped(pattern: RegExp, must: string, correct?: (text: string) => string): z.ZodString {
  return z.string().regex(pattern, {
    error: ({ input }) => {
      const meant = correct?.(String(input)) ?? "";
      return pattern.test(meant) ? `${must}; did you mean "${meant}"?` : must;
    },
  });
}

/** Lowercase letters, digits and dashes are what DNS, Kubernetes and every cloud take for a name. */
export function dashed(text: string): string {
  return text
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .replaceAll(/^-|-$/g, "");
}

/** What a cluster, a node and a pool are called. */
export const label = (max: number) =>
  shaped(
    /^[a-z]([a-z0-9-]*[a-z0-9])?$/,
    "must be lowercase letters, digits and '-', starting with a letter and not ending with '-'",
    (text) => dashed(text).replace(/^[0-9-]+/, ""),
  ).max(max);
