import { closeSync, existsSync, lstatSync, openSync, readlinkSync, readSync } from "node:fs";
import { dirname, join } from "node:path";
import { run } from "../command.ts";
import type { Tree } from "./image.ts";

const LOADER = "lib64/ld-linux-x86-64.so.2";
/** Where Debian's loader looks without a cache of libraries, and where they stand in the image. */
const LIBRARIES = "lib/x86_64-linux-gnu";

/**
 * Programs of Debian's for an image, with every library they load and the loader itself, so that an image that has
 * nothing else runs them. A path that is a link brings what it points at.
 * @param roots folders to look in, the first that has the path: unpacked packages, then the hosts' system
 * @param paths programs and scripts, as `usr/bin/git`
 * @throws Error when a path, or a library of it, is in none of them
 */
export async function debianPrograms(roots: readonly string[], paths: readonly string[]): Promise<Tree> {
  const files: Record<string, string> = {};
  const links: Record<string, string> = {};
  for (const path of paths) {
    let place = path;
    for (let target = linkAt(roots, place); target !== undefined; target = linkAt(roots, place)) {
      links[place] = target;
      place = join("/", dirname(place), target).slice(1);
    }
    const program = found(roots, place);
    files[place] = program;
    if (isElf(program)) Object.assign(files, await librariesOf(roots, program));
  }
  return { files, links };
}

/** What the loader loads for a program, by the place in the image. The loader of the hosts' system says it, not this machine's. */
async function librariesOf(roots: readonly string[], program: string): Promise<Record<string, string>> {
  const folders = roots
    .flatMap((root) => [join(root, "usr", LIBRARIES), join(root, LIBRARIES)])
    .filter(existsSync);
  const loader = found(roots, LOADER);
  const listing = await run([
    loader, "--inhibit-cache", "--library-path", folders.join(":"), "--list", program,
  ]); // prettier-ignore
  const libraries: Record<string, string> = { [LOADER]: loader };
  for (const line of listing.split("\n")) {
    const [, name, at] = /^\s*(\S+) => (.+?)(?: \(0x[0-9a-f]+\))?$/.exec(line) ?? [];
    // The loader lists itself too.
    if (name === undefined || at === undefined || name.startsWith("/")) continue;
    if (!folders.some((folder) => at === join(folder, name))) {
      throw new Error(`${program}: ${name} is in none of ${folders.join(", ")}: ${at}`);
    }
    libraries[join(LIBRARIES, name)] = at;
  }
  return libraries;
}

function linkAt(roots: readonly string[], path: string): string | undefined {
  const at = found(roots, path);
  return lstatSync(at).isSymbolicLink() && path !== LOADER ? readlinkSync(at) : undefined;
}

function found(roots: readonly string[], path: string): string {
  for (const root of roots) {
    const at = join(root, path);
    if (lstatSync(at, { throwIfNoEntry: false }) !== undefined) return at;
  }
  throw new Error(`${path} is in none of ${roots.join(", ")}`);
}

function isElf(path: string): boolean {
  const file = openSync(path, "r");
  try {
    const start = Buffer.alloc(4);
    readSync(file, start);
    return start.equals(Buffer.from("\x7fELF", "latin1"));
  } finally {
    closeSync(file);
  }
}
