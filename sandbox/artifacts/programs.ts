import { existsSync, globSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import { cacheFolder } from "../../src/tools/cache.ts";
import { run } from "../command.ts";
import { ensureGo, goEnvironment } from "./go.ts";
import { GO } from "./pins.ts";
import { sha256 } from "./store.ts";

/** A folder in the user's cache with the programs of a small Go module of ours, built anew when its source changes. */
export async function ensurePrograms(source: string, progress: (line: string) => void): Promise<string> {
  const files = globSync("**/*", { cwd: source, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
  const key = sha256(JSON.stringify([GO, files.map((file) => readFileSync(file, "utf8"))])).slice(0, 12);
  const folder = cacheFolder("programs", `${basename(source)}-${key}`);
  if (existsSync(folder)) return folder;
  const go = await ensureGo(progress);
  const building = `${folder}.${process.pid}`;
  mkdirSync(building, { recursive: true });
  try {
    await run(
      [go, "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", `${building}/`, "./..."],
      {
        cwd: source,
        env: goEnvironment(),
      },
    );
    if (!existsSync(folder)) renameSync(building, folder);
  } finally {
    rmSync(building, { recursive: true, force: true });
  }
  return folder;
}
