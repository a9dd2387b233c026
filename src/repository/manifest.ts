import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { UserError } from "../output/errors.ts";

/** Which files of the repository are ours: how a user's edit is told from an old rendering. */
export const MANIFEST = ".infra-k3s.manifest.json";

/** A file that is rendered, and that the user has taken over. */
export const YOURS = "yours";

const HASH = "[0-9a-f]{64}";
const ManifestSchema = z.record(z.string(), z.string().regex(new RegExp(`^(${HASH}( ${HASH})*|${YOURS})$`)));

/** Path → the hash we wrote; several while a run writes, so that one that is killed leaves nothing that looks edited. */
export type Manifest = Readonly<Record<string, string>>;

export function readManifest(root: string): Manifest {
  const path = join(root, MANIFEST);
  if (!existsSync(path)) return {};
  const parsed = ManifestSchema.safeParse(parseJson(readFileSync(path, "utf8")));
  if (parsed.success) return parsed.data;
  throw new UserError({
    what: `${MANIFEST} is damaged`,
    why: "it says which files infra-k3s has written, and can't be read",
    fix: `restore it from git: git checkout ${MANIFEST}; after a merge take either side, and run infra-k3s render`,
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Whether a file's text is one that we wrote. */
export function isOurs(manifest: Manifest, path: string, text: string): boolean {
  return manifest[path]?.split(" ").includes(hash(text)) === true;
}

export function hash(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
