import { createHash } from "node:crypto";
import { existsSync, globSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { cacheFolder } from "../../src/tools/cache.ts";
import type { Artifacts } from "../artifacts/artifacts.ts";
import { alone } from "../artifacts/lock.ts";
import { ensurePrograms } from "../artifacts/programs.ts";
import { run } from "../command.ts";
import { unpackedPackages } from "../services/debian.ts";
import { assemble, store } from "./assemble.ts";
import { catalogue, type ImagePrograms } from "./catalogue.ts";

const HERE = import.meta.dirname;

/** The registry's storage with every image in it, in the user's cache: made when a program or this folder changes. */
export async function ensureImages(
  artifacts: Artifacts,
  rootfs: string,
  progress: (line: string) => void,
): Promise<string> {
  const own = await ensurePrograms(join(HERE, "programs"), progress);
  const sources = globSync("*.ts", { cwd: HERE }).map((name) => readFileSync(join(HERE, name), "utf8"));
  const inputs = [own, Object.values(artifacts), rootfs, sources.sort()];
  const key = createHash("sha256").update(JSON.stringify(inputs)).digest("hex").slice(0, 12);
  const folder = cacheFolder("images", key);
  if (existsSync(folder)) return folder;
  progress("images: assembled from the programs built here (about 20 s)");
  await alone(cacheFolder("images.lock"), progress, async () => {
    if (existsSync(folder)) return;
    const building = `${folder}.new`;
    rmSync(building, { recursive: true, force: true });
    for (const image of catalogue(artifacts, await programsOf(own, rootfs))) {
      store(building, image, await assemble(image));
    }
    renameSync(building, folder);
  });
  return folder;
}

async function programsOf(own: string, rootfs: string): Promise<ImagePrograms> {
  const busybox = join(await unpackedPackages(rootfs, ["busybox-static"]), "bin/busybox");
  const applets = (await run([busybox, "--list"]))
    .split("\n")
    .filter((name) => name !== "" && name !== "busybox");
  return { pause: join(own, "pause"), probe: join(own, "probe"), busybox, applets };
}
