import { createHash } from "node:crypto";
import {
  createWriteStream,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { Readable, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { z } from "zod";
import { ToolError } from "../../output/errors.ts";
import { Repository } from "./registry.ts";

const LAYER_MS = 30 * 60_000;
const Descriptor = z.object({ digest: z.string().regex(/^sha256:[0-9a-f]{64}$/), size: z.int() });

/** https://github.com/opencontainers/image-spec: an index names a manifest for each platform, a manifest its layers. */
const ManifestSchema = z.object({
  manifests: z
    .array(
      Descriptor.extend({
        platform: z.object({ os: z.string(), architecture: z.string(), variant: z.string().optional() }).optional(),
      }),
    )
    .optional(),
  config: Descriptor.optional(),
  layers: z.array(Descriptor.extend({ urls: z.array(z.string()).optional() })).optional(),
}); // prettier-ignore

/**
 * Copies an image with all of one platform's parts into a folder, as the open source registry keeps it
 * (distribution's registry/storage/paths.go): each part compared with its digest, and none fetched twice. Returns the digest.
 */
export async function pullImage(reference: string, architecture: string, folder: string): Promise<string> {
  const from = new Repository(reference);
  const { digest, tag } = from.image;
  const place = { from, folder, reference };
  const asked = digest === "" ? tag : digest;
  const top = await pullManifest(place, asked, digest);
  const { manifests } = top.manifest;
  if (manifests === undefined) await pullParts(place, top);
  else {
    const child = manifests.find(({ platform }) => platform?.os === "linux" && platform.architecture === architecture);
    if (child === undefined) throw new ToolError({ what: `${reference} is not made for linux/${architecture}` });
    await pullParts(place, await pullManifest(place, child.digest, child.digest));
  }
  // The tag last: it shows only what is whole.
  if (tag !== "") writeTag(place, tag, top.digest);
  return top.digest;
} // prettier-ignore

interface Place {
  from: Repository;
  folder: string;
  reference: string;
}

interface Pulled {
  digest: string;
  manifest: z.output<typeof ManifestSchema>;
}

async function pullManifest(place: Place, asked: string, wanted: string): Promise<Pulled> {
  const file = wanted === "" ? undefined : blobFile(place.folder, wanted);
  const bytes =
    file !== undefined && existsSync(file)
      ? readFileSync(file)
      : Buffer.from(await (await place.from.ask("GET", `manifests/${asked}`)).arrayBuffer());
  const digest = `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
  if (wanted !== "" && digest !== wanted) throw differs(place, wanted, digest);
  const parsed = ManifestSchema.safeParse(parseJson(bytes));
  if (!parsed.success) throw new ToolError({ what: `the manifest of ${place.reference} can't be read` });
  write(blobFile(place.folder, digest), bytes);
  link(place, `_manifests/revisions/${hex(digest)}`, digest);
  return { digest, manifest: parsed.data };
}

async function pullParts(place: Place, { manifest: { config, layers } }: Pulled): Promise<void> {
  if (config === undefined || layers === undefined)
    throw new ToolError({ what: `the manifest of ${place.reference} names no layers` });
  for (const { digest } of [config, ...layers]) {
    await pullBlob(place, digest);
    link(place, `_layers/${hex(digest)}`, digest);
  }
}

async function pullBlob(place: Place, digest: string): Promise<void> {
  const file = blobFile(place.folder, digest);
  if (existsSync(file)) return;
  mkdirSync(dirname(file), { recursive: true });
  const { body } = await place.from.ask("GET", `blobs/${digest}`, LAYER_MS);
  if (body === null) throw new ToolError({ what: `a layer of ${place.reference} came without a body` });
  const hash = createHash("sha256");
  const hashing = new Transform({
    transform(chunk: Buffer, _encoding, next) {
      hash.update(chunk);
      next(null, chunk);
    },
  });
  const part = `${file}.${process.pid}.part`;
  try {
    await pipeline(Readable.fromWeb(body), hashing, createWriteStream(part));
    const received = `sha256:${hash.digest("hex")}`;
    if (received !== digest) throw differs(place, digest, received);
    renameSync(part, file);
  } finally {
    rmSync(part, { force: true });
  }
}

function writeTag(place: Place, tag: string, digest: string): void {
  link(place, `_manifests/tags/${tag}/index/${hex(digest)}`, digest);
  link(place, `_manifests/tags/${tag}/current`, digest);
}

function link({ folder, from }: Place, path: string, digest: string): void {
  write(join(folder, "docker/registry/v2/repositories", from.image.path, path, "link"), digest);
}

function write(file: string, data: Buffer | string): void {
  mkdirSync(dirname(file), { recursive: true });
  const part = `${file}.${process.pid}.part`;
  writeFileSync(part, data);
  renameSync(part, file);
}

function blobFile(folder: string, digest: string): string {
  const name = digest.slice("sha256:".length);
  return join(folder, "docker/registry/v2/blobs/sha256", name.slice(0, 2), name, "data");
}

const hex = (digest: string) => digest.replace("sha256:", "sha256/");

function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString("utf8"));
  } catch {
    return undefined;
  }
}

function differs({ reference }: Place, wanted: string, received: string): ToolError {
  return new ToolError({
    what: `what came of ${reference} is not what was asked for`,
    why: `asked for ${wanted}, received ${received}`,
    fix: "try again, and from another network",
  });
}
