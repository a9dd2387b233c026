import { textOf } from "./sops-file.ts";

/** A decrypted Secret's values as its pods see them; a plain file's as they are. */
export function valuesOf(plain: unknown): Map<string, string> {
  const object = plain as Record<string, unknown>;
  if (object["kind"] !== "Secret") {
    return new Map(Object.entries(object).map(([key, value]) => [key, textOf(value)]));
  }
  const { data, stringData } = object as Record<string, Record<string, string> | undefined>;
  return new Map([
    ...Object.entries(data ?? {}).map(
      ([key, value]) => [key, Buffer.from(value, "base64").toString("utf8")] as const,
    ),
    ...Object.entries(stringData ?? {}).map(([key, value]) => [key, textOf(value)] as const),
  ]);
}
