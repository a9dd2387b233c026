import { createHash } from "node:crypto";
import { createWriteStream, existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { chmod, readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { Readable, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { ToolError } from "../../output/errors.ts";

/** The text at `url`; small things such as published checksums. */
export async function fetchText(url: string): Promise<string> {
  return (await request(url)).text();
}

/** The sha256 of the bytes at `url`, which are not kept. */
export async function hashOf(url: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of body(await request(url))) hash.update(chunk as Buffer);
  return hash.digest("hex");
}

/** Makes `path` the program with that hash: as it is when already so, downloaded and verified otherwise. */
export async function ensureProgram(path: string, url: string, sha256: string): Promise<void> {
  if (existsSync(path) && (await fileHash(path)) === sha256) return;
  mkdirSync(dirname(path), { recursive: true });
  const temporary = `${path}.${process.pid}.part`;
  const hash = createHash("sha256");
  const hashing = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk);
      done(null, chunk);
    },
  });
  try {
    await pipeline(body(await request(url)), hashing, createWriteStream(temporary));
    const received = hash.digest("hex");
    if (received !== sha256) {
      throw new ToolError({
        what: `${url} is not what was locked`,
        why: `its sha256 is ${received}, versions.lock.json says ${sha256}`,
        fix: "do not run it; find out why upstream's file changed before you change the lock",
      });
    }
    await chmod(temporary, 0o755);
    renameSync(temporary, path);
  } finally {
    rmSync(temporary, { force: true });
  }
}

async function fileHash(path: string): Promise<string> {
  return createHash("sha256")
    .update(await readFile(path))
    .digest("hex");
}

async function request(url: string): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(url, { signal: AbortSignal.timeout(600_000) });
  } catch (error) {
    const cause =
      error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error);
    throw new ToolError({
      what: `${url} can't be reached`,
      why: cause,
      fix: "check the network and try again",
    });
  }
  if (response.ok) return response;
  throw new ToolError({
    what: `${url} answered ${response.status}`,
    why: response.status === 404 ? "there is no such release" : response.statusText,
    fix: "check the version in cluster.yaml against upstream's releases",
  });
}

function body(response: Response): Readable {
  if (response.body === null) throw new ToolError({ what: `${response.url} answered without a body` });
  return Readable.fromWeb(response.body);
}
