import {
  chmodSync,
  existsSync,
  globSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
  renameSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, relative, resolve } from "node:path";
import { EXIT, UserError } from "../../src/output/errors.ts";
import { cacheFolder } from "../../src/tools/cache.ts";
import { run } from "../command.ts";
import { ensureGo, goEnvironment } from "./go.ts";
import { alone } from "./lock.ts";
import { type ArtifactName, GO, K3S, type Pin, PINS } from "./pins.ts";
import { takePrebuilt } from "./prebuilt.ts";
import { faultOf, fillFolder, sha256 } from "./store.ts";

export type Artifacts = Record<ArtifactName | "k3s" | "kubectl", string>;
export type Progress = (line: string) => void;

const LDFLAGS = "-s -w";
const K3S_SOURCE = join(import.meta.dirname, "../k3s");

interface Wanted {
  name: ArtifactName | "k3s";
  version: string;
  minutes: number;
  folder: string;
  make: (folder: string, progress: Progress) => Promise<void>;
}

/**
 * Every program of the sandbox, each from the first of: the folder named by INFRA_K3S_ARTIFACT_CACHE, the user's
 * cache, a build of the pinned source. Each is verified, and whole or not there.
 */
export async function ensureArtifacts(progress: Progress): Promise<Artifacts> {
  const all = wanted();
  if (stillToCome().length > 0) {
    await alone(cacheFolder("artifacts", "lock"), progress, () => make(all.filter(isMissing), progress));
  }
  const path = (name: ArtifactName | "k3s") => join(all.find((one) => one.name === name)?.folder ?? "", name);
  const given = givenK3s();
  const modules = Object.keys(PINS) as ArtifactName[];
  return {
    ...(Object.fromEntries(modules.map((name) => [name, path(name)])) as Record<ArtifactName, string>),
    k3s: given ?? path("k3s"),
    // K3s is kubectl when it is called by that name.
    kubectl: given ?? join(all.find(({ name }) => name === "k3s")?.folder ?? "", "kubectl"),
  };
}

/** What `ensureArtifacts` still has to get, with the usual minutes if it must be built. */
export function stillToCome(): { name: string; minutes: number }[] {
  return wanted().filter(isMissing);
}

function wanted(): Wanted[] {
  const modules = (Object.keys(PINS) as ArtifactName[]).map((name): Wanted => {
    const pin: Pin = PINS[name];
    return {
      name,
      version: pin.version,
      minutes: pin.minutes,
      folder: cacheFolder(
        "artifacts",
        `${name}-${pin.version}-${key([pin.module, pin.version, pin.package, LDFLAGS, GO, ...(pin.replace === undefined ? [] : [pin.replace])])}`,
      ),
      make: async (folder, progress) => {
        if (!(await takePrebuilt(name, pin, folder, progress)))
          await buildModule(name, pin, folder, progress);
      },
    };
  });
  const k3s: Wanted = {
    name: "k3s",
    version: K3S.release,
    minutes: K3S.minutes,
    folder: cacheFolder("artifacts", `k3s-${key([sourceOf(K3S_SOURCE), GO])}`),
    make: async (folder, progress) => {
      const go = await ensureGo(progress);
      progress(
        `building the K3s stand-in from Kubernetes ${K3S.kubernetes} (about ${K3S.minutes} min, less when done before)`,
      );
      const output = join(folder, "k3s");
      await run(["nice", "-n", "19", "ionice", "-c", "3", "sh", join(K3S_SOURCE, "build"), go, output], {
        env: goEnvironment(),
      });
      renameSync(`${output}.base`, join(folder, "kubectl"));
    },
  };
  return givenK3s() === undefined ? [...modules, k3s] : modules;
}

/** A K3s binary to use instead of the stand-in. */
function givenK3s(): string | undefined {
  const path = process.env["K3S_BINARY"];
  if (path === undefined || path === "") return undefined;
  if (statSync(path, { throwIfNoEntry: false })?.isFile() === true) return resolve(path);
  throw new UserError(
    {
      what: `K3S_BINARY names no file: ${path}`,
      fix: "give the path of a K3s binary, or unset it for the stand-in",
    },
    EXIT.tool,
  );
}

/** Every file that a build reads, by name and content. */
function sourceOf(folder: string): string[][] {
  return globSync("**/*", { cwd: folder, withFileTypes: true })
    .filter((entry) => entry.isFile() && !/_test\.go$|\.md$|\.txt$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
    .map((path) => [relative(folder, path), readFileSync(path, "utf8")]);
}

function isMissing({ folder }: Wanted): boolean {
  return faultOf(folder) !== undefined;
}

async function make(missing: readonly Wanted[], progress: Progress): Promise<void> {
  for (const [index, one] of missing.entries()) {
    const rest = missing.slice(index + 1).map(({ name, minutes }) => `${name} (${minutes} min if built)`);
    const then = rest.length > 0 ? `; then ${rest.join(", ")}` : "";
    progress(`${index + 1} of ${missing.length}: ${one.name} ${one.version}${then}`);
    const fault = existsSync(one.folder) ? faultOf(one.folder) : undefined;
    if (fault !== undefined) progress(`${fault}; it is made again`);
    await fillFolder(one.folder, (building) => one.make(building, progress));
  }
}

async function buildModule(name: string, pin: Pin, folder: string, progress: Progress): Promise<void> {
  const go = await ensureGo(progress);
  progress(`building ${name} ${pin.version} from ${pin.module} (about ${pin.minutes} min)`);
  const work = mkdtempSync(join(tmpdir(), "infra-k3s-build-"));
  try {
    const replace = pin.replace === undefined ? "" : `\nreplace ${pin.replace}\n`;
    const requires = `require ${pin.module} v${pin.version}\n${replace}`;
    writeFileSync(join(work, "go.mod"), `module build\n\ngo 1.26\n\n${requires}`);
    await run(
      [
        "nice", "-n", "19", "ionice", "-c", "3", go, "build", "-mod=mod", "-trimpath", "-buildvcs=false", `-ldflags=${LDFLAGS}`,
        "-o", join(folder, name), pin.package,
      ],
      { cwd: work, env: goEnvironment() },
    ); // prettier-ignore
    chmodSync(join(folder, name), 0o755);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function key(data: unknown): string {
  return sha256(JSON.stringify(data)).slice(0, 12);
}
