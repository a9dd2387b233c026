import { createHash } from "node:crypto";
import { existsSync, globSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { cacheFolder } from "../../src/tools/cache.ts";
import type { Artifacts, GitopsArtifacts } from "../artifacts/artifacts.ts";
import { alone } from "../artifacts/lock.ts";
import { ensurePrograms } from "../artifacts/programs.ts";
import { run } from "../command.ts";
import { unpackedPackages } from "../services/debian.ts";
import { assemble, store } from "./assemble.ts";
import { catalogue, type ImagePrograms, unserved } from "./catalogue.ts";
import { debianPrograms } from "./debian-programs.ts";
import { ARGOCD_TOOLS, PACKAGES, REDIS } from "./gitops.ts";

const HERE = import.meta.dirname;
/** What the product takes out of upstream's manifests. */
const REMOVED = /\/dex:/;

/** The registry's storage with every image in it, in the user's cache: made when a program or this folder changes. */
export async function ensureImages(
  artifacts: Artifacts,
  gitops: GitopsArtifacts | undefined,
  rootfs: string,
  progress: (line: string) => void,
): Promise<string> {
  const own = await ensurePrograms(join(HERE, "programs"), progress);
  const sources = globSync("*.ts", { cwd: HERE })
    .filter((name) => !name.endsWith(".test.ts"))
    .map((name) => readFileSync(join(HERE, name), "utf8"));
  const inputs = [own, Object.values(artifacts), Object.values(gitops ?? {}), rootfs, sources.sort()];
  const key = createHash("sha256").update(JSON.stringify(inputs)).digest("hex").slice(0, 12);
  const folder = cacheFolder("images", key);
  if (existsSync(folder)) return folder;
  progress("images: assembled from the programs built here (about 40 s)");
  await alone(cacheFolder("images.lock"), progress, async () => {
    if (existsSync(folder)) return;
    const building = `${folder}.new`;
    rmSync(building, { recursive: true, force: true });
    const images = catalogue(artifacts, gitops, await programsOf(own, rootfs));
    const upstream =
      gitops === undefined
        ? []
        : [gitops.manifests.argocd, gitops.manifests.certManager].map((path) => readFileSync(path, "utf8"));
    const missing = unserved(upstream, images).filter((name) => !REMOVED.test(name));
    if (missing.length > 0) {
      throw new Error(`sandbox/images has no ${missing.join(", ")}, which upstream's manifests name`);
    }
    for (const image of images) store(building, image, await assemble(image));
    renameSync(building, folder);
  });
  return folder;
}

async function programsOf(own: string, rootfs: string): Promise<ImagePrograms> {
  const busybox = join(await unpackedPackages(rootfs, ["busybox-static"]), "bin/busybox");
  const applets = (await run([busybox, "--list"]))
    .split("\n")
    .filter((name) => name !== "" && name !== "busybox");
  const roots = [await unpackedPackages(rootfs, PACKAGES), rootfs];
  const gitops = {
    echo: join(own, "echo"),
    argocdTools: await debianPrograms(roots, ARGOCD_TOOLS),
    redis: await debianPrograms(roots, REDIS),
  };
  return { pause: join(own, "pause"), probe: join(own, "probe"), busybox, applets, gitops };
}
