import { createHash } from "node:crypto";
import { existsSync, globSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { cacheFolder } from "../../src/tools/cache.ts";
import type { Artifacts } from "../artifacts/artifacts.ts";
import { ensureGo, goEnvironment } from "../artifacts/go.ts";
import { alone } from "../artifacts/lock.ts";
import { GO } from "../artifacts/pins.ts";
import { run } from "../command.ts";
import { unpackedPackages } from "../services/debian.ts";
import { assemble, store } from "./assemble.ts";
import { catalogue, type ImagePrograms } from "./catalogue.ts";

const HERE = import.meta.dirname;
const PROGRAMS = join(HERE, "programs");

/** The registry's storage with every image in it, in the user's cache: made when a program or this folder changes. */
export async function ensureImages(
  artifacts: Artifacts,
  rootfs: string,
  progress: (line: string) => void,
): Promise<string> {
  const sources = globSync(["*.ts", "programs/**/*"], { cwd: HERE, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), "utf8"));
  const inputs = [GO, Object.values(artifacts), rootfs, sources.sort()];
  const key = createHash("sha256").update(JSON.stringify(inputs)).digest("hex").slice(0, 12);
  const folder = cacheFolder("images", key);
  if (existsSync(folder)) return folder;
  progress("images: assembled from the programs built here (about 20 s)");
  await alone(cacheFolder("images.lock"), progress, async () => {
    if (existsSync(folder)) return;
    const building = `${folder}.new`;
    rmSync(building, { recursive: true, force: true });
    const programs = await buildPrograms(join(building, "programs"), rootfs, progress);
    for (const image of catalogue(artifacts, programs)) store(building, image, await assemble(image));
    rmSync(join(building, "programs"), { recursive: true });
    renameSync(building, folder);
  });
  return folder;
}

async function buildPrograms(
  folder: string,
  rootfs: string,
  progress: (line: string) => void,
): Promise<ImagePrograms> {
  mkdirSync(folder, { recursive: true });
  const go = await ensureGo(progress);
  await run([go, "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", `${folder}/`, "./..."], {
    cwd: PROGRAMS,
    env: goEnvironment(),
  });
  const busybox = join(await unpackedPackages(rootfs, ["busybox-static"]), "bin/busybox");
  const applets = (await run([busybox, "--list"]))
    .split("\n")
    .filter((name) => name !== "" && name !== "busybox");
  return { pause: join(folder, "pause"), probe: join(folder, "probe"), busybox, applets };
}
