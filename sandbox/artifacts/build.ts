import { appendFileSync, chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { run } from "../command.ts";
import { ensureGo, goEnvironment } from "./go.ts";
import { GO, type Pin, type Toolchain } from "./pins.ts";

type Progress = (line: string) => void;

export const LDFLAGS = "-s -w";
const K3S_MODULE = join(import.meta.dirname, "../k3s/go.mod");

/** What Go's own commands are started with: the machine has other work to do. */
const QUIETLY = ["nice", "-n", "19", "ionice", "-c", "3"] as const;

interface Module {
  path: string;
  version: string;
}

/** A module as go.mod has it: without a version it is every one of them, or a folder. */
interface Named {
  Path: string;
  Version?: string;
}

/** The parts of `go mod edit -json` (https://go.dev/ref/mod#go-mod-edit) that decide a build beside its requirements. */
interface GoMod {
  Replace?: { Old: Named; New: Named }[] | null;
  Exclude?: Named[] | null;
}

/** Builds the program of a pin into `folder`, under its name. */
export async function buildModule(name: string, pin: Pin, folder: string, progress: Progress): Promise<void> {
  const toolchain = pin.go ?? GO;
  const go = await ensureGo(progress, toolchain);
  progress(`building ${name} ${pin.version} from ${pin.module} (about ${pin.minutes} min)`);
  const work = mkdtempSync(join(tmpdir(), "infra-k3s-build-"));
  try {
    const lines = [
      ...(pin.replace === undefined ? [] : [`replace ${pin.replace}`]),
      ...(pin.ownReplaces === true
        ? await ownLines({ path: pin.module, version: pin.version }, toolchain)
        : []),
    ];
    const requires = [`require ${pin.module} v${pin.version}`, ...lines];
    writeFileSync(join(work, "go.mod"), `module build\n\n${baseOf(pin)}\n\n${requires.join("\n")}\n`);
    const ldflags = pin.ldflags === undefined ? LDFLAGS : `${LDFLAGS} ${pin.ldflags}`;
    await run(
      [
        ...QUIETLY, go, "build", "-mod=mod", "-trimpath", "-buildvcs=false", `-ldflags=${ldflags}`, "-o", join(folder, name),
        pin.package,
      ],
      { cwd: work, env: goEnvironment() },
    ); // prettier-ignore
    chmodSync(join(folder, name), 0o755);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** What a pin's module is built on: Go's language, and for some what the K3s stand-in requires. */
export function baseOf(pin: Pin): string {
  const language = (pin.go ?? GO).version.split(".").slice(0, 2).join(".");
  return pin.onK3s === true ? readFileSync(K3S_MODULE, "utf8").replace(/^module .*\n/, "") : `go ${language}`;
}

/** Builds every program of a Go module of ours into `folder`, each under the name of its own folder. */
export async function buildOwn(
  source: string,
  folder: string,
  progress: Progress,
  ldflags = "",
): Promise<void> {
  const go = await ensureGo(progress);
  const flags = `-ldflags=${LDFLAGS} ${ldflags}`.trim();
  await run(
    [...QUIETLY, go, "build", "-trimpath", "-buildvcs=false", flags, "-o", `${folder}/`, "./..."],
    { cwd: source, env: goEnvironment() },
  ); // prettier-ignore
}

/** Puts a program behind another's own code, with its length in the last eight bytes: one file that has both. */
export function carry(program: string, carried: string): void {
  const length = Buffer.alloc(8);
  const data = readFileSync(carried);
  length.writeBigInt64LE(BigInt(data.length));
  appendFileSync(program, Buffer.concat([data, length]));
}

/** The folder with a module's source, in the module cache: Go's checksum database has been asked. */
export async function moduleFolder(
  module: Module,
  progress: Progress,
  toolchain: Toolchain = GO,
): Promise<string> {
  await ensureGo(progress, toolchain);
  return (await download(module, toolchain)).Dir;
}

async function download(module: Module, toolchain: Toolchain): Promise<{ Dir: string; GoMod: string }> {
  return inGo(["download", "-json", `${module.path}@v${module.version}`], toolchain);
}

/** A module's `replace` and `exclude` lines hold for its own build alone; another that wants the same repeats them. */
async function ownLines(module: Module, toolchain: Toolchain): Promise<string[]> {
  const { GoMod: file } = await download(module, toolchain);
  return linesOf(await inGo(["edit", "-json", file], toolchain));
}

/** What `go mod` answers, asked where no module is. */
async function inGo<T>(args: readonly string[], toolchain: Toolchain): Promise<T> {
  const go = await ensureGo(() => {}, toolchain);
  const nowhere = mkdtempSync(join(tmpdir(), "infra-k3s-mod-"));
  try {
    return JSON.parse(await run([go, "mod", ...args], { cwd: nowhere, env: goEnvironment() })) as T;
  } finally {
    rmSync(nowhere, { recursive: true, force: true });
  }
}

/** What of it another module can repeat: a replacement by a folder has no version, and the folder is not there. */
export function linesOf({ Replace, Exclude }: GoMod): string[] {
  return [
    ...(Replace ?? [])
      .filter(({ New }) => New.Version !== undefined)
      .map(({ Old, New }) => `replace ${at(Old)} => ${at(New)}`),
    ...(Exclude ?? []).map((one) => `exclude ${at(one)}`),
  ];
}

function at({ Path, Version }: Named): string {
  return Version === undefined ? Path : `${Path} ${Version}`;
}
