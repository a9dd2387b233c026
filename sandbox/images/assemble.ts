import { createHash } from "node:crypto";
import {
  constants,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { run } from "../command.ts";
import type { Image } from "./image.ts";

export interface Blob {
  digest: string;
  data: Buffer;
}
export interface Assembled {
  manifest: Blob;
  config: Blob;
  layer: Blob;
}

const TYPE = "application/vnd.oci.image";

/** An image of one layer (https://github.com/opencontainers/image-spec); the same files make the same digest. */
export async function assemble(image: Image): Promise<Assembled> {
  const tar = await layerOf(image);
  const layer = blob(gzipSync(tar, { level: 1 }));
  const config = blob(
    json({
      architecture: "amd64",
      os: "linux",
      config: configOf(image),
      rootfs: { type: "layers", diff_ids: [digestOf(tar)] },
    }),
  );
  const manifest = blob(
    json({
      schemaVersion: 2,
      mediaType: `${TYPE}.manifest.v1+json`,
      config: { mediaType: `${TYPE}.config.v1+json`, digest: config.digest, size: config.data.length },
      layers: [{ mediaType: `${TYPE}.layer.v1.tar+gzip`, digest: layer.digest, size: layer.data.length }],
    }),
  );
  return { manifest, config, layer };
}

/** What a container of the image is started with, in the image's own words. */
function configOf({ entrypoint, command, user, workingDir, env = {} }: Image): object {
  const path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
  return {
    Entrypoint: entrypoint,
    ...(command === undefined ? {} : { Cmd: command }),
    Env: Object.entries({ PATH: path, ...env }).map(([name, value]) => `${name}=${value}`),
    ...(workingDir === undefined ? {} : { WorkingDir: workingDir }),
    ...(user === undefined ? {} : { User: user }),
  };
}

async function layerOf({ files, texts = {}, links = {}, writable = [] }: Image): Promise<Buffer> {
  const work = mkdtempSync(join(tmpdir(), "infra-k3s-image-"));
  const root = join(work, "root");
  try {
    const at = (path: string): string => {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      return join(root, path);
    };
    for (const [path, from] of Object.entries(files))
      copyFileSync(from, at(path), constants.COPYFILE_FICLONE);
    for (const [path, text] of Object.entries(texts)) writeFileSync(at(path), text);
    for (const [path, target] of Object.entries(links)) symlinkSync(target, at(path));
    for (const path of writable) mkdirSync(at(path));
    // Whatever the files' own modes and this process's umask: the same digest on every machine.
    await run(["chmod", "-R", "0755", root]);
    if (writable.length > 0) await run(["chmod", "1777", ...writable.map((path) => join(root, path))]);
    const tar = join(work, "layer.tar");
    await run([
      "tar", "--create", "--sort=name", "--mtime=@0", "--owner=0", "--group=0", "--numeric-owner", `--file=${tar}`, "-C", root, ".",
    ]); // prettier-ignore
    return readFileSync(tar);
  } finally {
    rmSync(work, { recursive: true });
  }
}

/** Writes an image where the registry's own storage keeps it (distribution's registry/storage/paths.go). */
export function store(
  folder: string,
  { repository, tag }: Image,
  { manifest, config, layer }: Assembled,
): void {
  const write = (path: string, data: Buffer | string): void => {
    const file = join(folder, "docker/registry/v2", path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, data);
  };
  const link = (path: string, { digest }: Blob): void =>
    write(`repositories/${repository}/${path}/link`, digest);
  for (const part of [manifest, config, layer]) {
    write(`blobs/sha256/${part.digest.slice(7, 9)}/${part.digest.slice(7)}/data`, part.data);
  }
  for (const part of [config, layer]) link(`_layers/${hex(part)}`, part);
  link(`_manifests/revisions/${hex(manifest)}`, manifest);
  link(`_manifests/tags/${tag}/current`, manifest);
  link(`_manifests/tags/${tag}/index/${hex(manifest)}`, manifest);
}

function hex({ digest }: Blob): string {
  return digest.replace("sha256:", "sha256/");
}

function blob(data: Buffer): Blob {
  return { digest: digestOf(data), data };
}

function digestOf(data: Buffer): string {
  return `sha256:${createHash("sha256").update(data).digest("hex")}`;
}

function json(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}
