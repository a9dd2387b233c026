import { createHash } from "node:crypto";
import { z } from "zod";
import { UserError } from "../output/errors.ts";

/** Raised only when a kit of before could be misread: what is added to a kit is an entry more. */
export const KIT_FORMAT = 1;

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);

const ManifestSchema = z.object({
  format: z.literal(KIT_FORMAT),
  made: z.iso.datetime(),
  /** Which release wrote it. */
  madeBy: z.string(),
  /** `id`: the first commit of its repository, which no other cluster of the same name has. */
  cluster: z.object({ name: z.string(), id: z.string() }),
  k3s: z.string(),
  git: z.object({ repository: z.string(), branch: z.string(), commit: z.string() }),
  entries: z.record(z.string(), z.object({ sha256 })),
});

const KitSchema = z.object({ manifest: ManifestSchema, entries: z.record(z.string(), z.string()) });

/** What a kit says of itself. */
export type Manifest = z.output<typeof ManifestSchema>;

export interface Kit {
  manifest: Manifest;
  /** What brings the cluster back, by the names of `contents.ts`. */
  entries: ReadonlyMap<string, string>;
}

/** A kit's plain text: JSON, which a person with stock `age` can read on a day when nothing else works. */
export function writeKit(
  about: Omit<Manifest, "format" | "entries">,
  entries: ReadonlyMap<string, string>,
): string {
  const hashes = [...entries].map(([name, text]) => [name, { sha256: hashOf(text) }]);
  const manifest: Manifest = {
    ...about,
    format: KIT_FORMAT,
    entries: Object.fromEntries(hashes) as Manifest["entries"],
  };
  return `${JSON.stringify({ manifest, entries: Object.fromEntries(entries) }, null, 2)}\n`;
}

/** Reads a kit's plain text, each entry compared with its hash. No error repeats anything of it. */
export function readKit(text: string): Kit {
  const given = parseJson(text);
  const format = (given as { manifest?: { format?: unknown } } | null)?.manifest?.format;
  if (typeof format !== "number") {
    throw new UserError({
      what: "the file opens, but what is in it is no recovery kit",
      why: "it has no manifest with a format",
      fix: "name the file that infra-k3s recovery-kit export wrote",
    });
  }
  if (format !== KIT_FORMAT) {
    throw new UserError({
      what: `the recovery kit has format ${format}, and this release reads format ${KIT_FORMAT}`,
      fix: "use the release it was made with, or a newer one",
    });
  }
  const parsed = KitSchema.safeParse(given);
  if (!parsed.success) {
    const places = parsed.error.issues.map(({ path }) => path.join("."));
    throw altered(`its ${places.join(", ")} can't be read`);
  }
  const { manifest, entries } = parsed.data;
  const names = new Set([...Object.keys(manifest.entries), ...Object.keys(entries)]);
  const faults = [...names].flatMap((name) => {
    const declared = manifest.entries[name];
    const entry = entries[name];
    if (declared === undefined) return [`${name} is in it, and not in its manifest`];
    if (entry === undefined) return [`${name} is in its manifest, and not in it`];
    return hashOf(entry) === declared.sha256 ? [] : [`${name} does not have the sha256 of its manifest`];
  });
  if (faults.length > 0) throw altered(faults.join("\n"));
  return { manifest, entries: new Map(Object.entries(entries)) };
}

export function hashOf(data: string | Uint8Array): string {
  return createHash("sha256").update(data).digest("hex");
}

function altered(why: string): UserError {
  return new UserError({
    what: "the recovery kit is not as export made it: something opened it and encrypted it again",
    why,
    fix: "use another copy, or make it anew where the cluster's repository is: infra-k3s recovery-kit export",
  });
}

/** JSON.parse's own error would repeat the text, which is secret. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
