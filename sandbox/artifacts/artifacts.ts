import { createHash } from "node:crypto";
import { chmodSync, existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { zstdDecompress } from "node:zlib";
import { cacheFolder } from "../../src/tools/cache.ts";
import { run } from "../command.ts";
import { ensureGo, goEnvironment } from "./go.ts";
import { type ArtifactName, GO, K3S, type Pin, PINS } from "./pins.ts";

export type Artifacts = Record<ArtifactName | "k3s" | "kubectl", string>;
export type Progress = (line: string) => void;

const K3S_SOURCE = join(import.meta.dirname, "../k3s");

interface Wanted {
  name: ArtifactName | "k3s";
  version: string;
  minutes: number;
  folder: string;
  make(folder: string, progress: Progress): Promise<void>;
}

/**
 * Every program of the sandbox, each from the first of: the folder named by INFRA_K3S_ARTIFACT_CACHE, the user's
 * cache, a build of the pinned source. Each is verified, and whole or not there.
 */
export async function ensureArtifacts(progress: Progress): Promise<Artifacts> {
  const all = wanted();
  const missing = all.filter(({ folder }) => !isWhole(folder));
  for (const [index, one] of missing.entries()) {
    const rest = missing.slice(index + 1).map(({ name }) => name);
    const then = rest.length > 0 ? `; then ${rest.join(", ")}` : "";
    progress(`${index + 1} of ${missing.length}: ${one.name} ${one.version}${then}`);
    await make(one, progress);
  }
  const path = (name: ArtifactName | "k3s") => join(all.find((one) => one.name === name)?.folder ?? "", name);
  return {
    tailscale: path("tailscale"),
    tailscaled: path("tailscaled"),
    headscale: path("headscale"),
    k3s: path("k3s"),
    kubectl: join(all.find(({ name }) => name === "k3s")?.folder ?? "", "kubectl"),
  };
}

/** What `ensureArtifacts` still has to get, with the usual minutes if it must be built. */
export function stillToCome(): { name: string; minutes: number }[] {
  return wanted().filter(({ folder }) => !isWhole(folder));
}

function wanted(): Wanted[] {
  const modules = (Object.keys(PINS) as ArtifactName[]).map((name): Wanted => {
    const pin = PINS[name];
    return {
      name,
      version: pin.version,
      minutes: pin.minutes,
      folder: cacheFolder("artifacts", `${name}-${pin.version}-${key([pin, GO])}`),
      make: async (folder, progress) => {
        if (!(await takePrebuilt(name, pin, folder, progress))) await buildModule(name, pin, folder, progress);
      },
    };
  });
  const sources = globSync(["**/*.go", "**/go.mod", "**/go.sum", "build"], { cwd: K3S_SOURCE }).sort();
  const source = sources.map((file) => readFileSync(join(K3S_SOURCE, file), "utf8"));
  const k3s: Wanted = {
    name: "k3s",
    version: K3S.release,
    minutes: K3S.minutes,
    folder: cacheFolder("artifacts", `k3s-${key([source, GO])}`),
    make: async (folder, progress) => {
      const go = await ensureGo(progress);
      progress(`building the K3s stand-in from Kubernetes ${K3S.kubernetes} (about ${K3S.minutes} min, less when done before)`);
      await run(["nice", "-n", "19", "sh", join(K3S_SOURCE, "build"), go, folder], { env: goEnvironment() });
    },
  };
  return [...modules, k3s];
}

async function make({ folder, make: fill }: Wanted, progress: Progress): Promise<void> {
  const building = `${folder}.${process.pid}`;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(building, { recursive: true });
  try {
    await fill(building, progress);
    // Written last: a folder without it is not whole.
    const hashes = globSync("*", { cwd: building }).map((file) => [file, sha256(readFileSync(join(building, file)))]);
    writeFileSync(join(building, "hashes.json"), JSON.stringify(Object.fromEntries(hashes)));
    renameSync(building, folder);
  } finally {
    rmSync(building, { recursive: true, force: true });
  }
}

/** Whether every file is there with the hash it had when it was made. */
function isWhole(folder: string): boolean {
  const manifest = join(folder, "hashes.json");
  if (!existsSync(manifest)) return false;
  const hashes = JSON.parse(readFileSync(manifest, "utf8")) as Record<string, string>;
  return Object.entries(hashes).every(([file, hash]) => {
    const path = join(folder, file);
    return existsSync(path) && sha256(readFileSync(path)) === hash;
  });
}

async function takePrebuilt(name: string, pin: Pin, folder: string, progress: Progress): Promise<boolean> {
  const prebuilt = process.env["INFRA_K3S_ARTIFACT_CACHE"];
  if (prebuilt === undefined) return false;
  const file = join(prebuilt, `${name}-${pin.version}-linux-amd64.zst`);
  if (!existsSync(file)) return false;
  const compressed = readFileSync(file);
  if (sha256(compressed) !== pin.prebuiltSha256) {
    progress(`${file} is not the file that is pinned; it is not used`);
    return false;
  }
  writeFileSync(join(folder, name), await promisify(zstdDecompress)(compressed), { mode: 0o755 });
  return true;
}

async function buildModule(name: string, pin: Pin, folder: string, progress: Progress): Promise<void> {
  const go = await ensureGo(progress);
  progress(`building ${name} ${pin.version} from ${pin.module} (about ${pin.minutes} min)`);
  const work = mkdtempSync(join(tmpdir(), "infra-k3s-build-"));
  try {
    writeFileSync(join(work, "go.mod"), `module build\n\ngo 1.26\n\nrequire ${pin.module} v${pin.version}\n`);
    await run(
      [
        "nice", "-n", "19", go, "build", "-mod=mod", "-trimpath", "-buildvcs=false", "-ldflags=-s -w",
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

function sha256(data: string | Uint8Array): string {
  return createHash("sha256").update(data).digest("hex");
}
