import { createHash } from "node:crypto";
import {
  existsSync,
  globSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";

/** Beside the files of a folder: the hash each had when it was made. Written last, so a folder with it was whole. */
const HASHES = "hashes.json";

/** What is wrong with a folder of the cache; undefined when every file is there as it was made. */
export function faultOf(folder: string): string | undefined {
  const manifest = join(folder, HASHES);
  if (!existsSync(manifest)) return "it is not there";
  const hashes = JSON.parse(readFileSync(manifest, "utf8")) as Record<string, string>;
  for (const [file, hash] of Object.entries(hashes)) {
    const path = join(folder, file);
    if (!existsSync(path)) return `${path} is gone`;
    const found = sha256(readFileSync(path));
    if (found !== hash) return `${path} has changed: its sha256 is ${found}, it was made with ${hash}`;
  }
  return undefined;
}

/** Makes a folder of the cache, whole or not at all: killed half-way, nothing stands at its name. */
export async function fillFolder(folder: string, fill: (building: string) => Promise<void>): Promise<void> {
  removeHalfMade(folder);
  const building = `${folder}.${process.pid}`;
  mkdirSync(building, { recursive: true });
  try {
    await fill(building);
    const hashes = globSync("**/*", { cwd: building })
      .filter((file) => statSync(join(building, file)).isFile())
      .map((file) => [file, sha256(readFileSync(join(building, file)))]);
    writeFileSync(join(building, HASHES), JSON.stringify(Object.fromEntries(hashes)));
    rmSync(folder, { recursive: true, force: true });
    renameSync(building, folder);
  } finally {
    rmSync(building, { recursive: true, force: true });
  }
}

/** What a killed run left; whoever fills a folder holds the lock, so no other run is at it. */
function removeHalfMade(folder: string): void {
  const parent = dirname(folder);
  if (!existsSync(parent)) return;
  for (const entry of readdirSync(parent)) {
    if (entry.startsWith(`${basename(folder)}.`))
      rmSync(join(parent, entry), { recursive: true, force: true });
  }
}

export function sha256(data: string | Uint8Array): string {
  return createHash("sha256").update(data).digest("hex");
}
