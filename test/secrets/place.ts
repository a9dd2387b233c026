import { createHash } from "node:crypto";
import { spawn } from "node:child_process";
import {
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { PINS } from "../../sandbox/artifacts/pins.ts";
import { takePrebuilt } from "../../sandbox/artifacts/prebuilt.ts";
import { faultOf } from "../../sandbox/artifacts/store.ts";
import { cacheFolder } from "../../src/tools/cache.ts";
import { git } from "./corpus.ts";

const ROOT = join(import.meta.dirname, "../..");

/** The real SOPS, of the user's cache or of a folder of prebuilt programs; undefined, and said, where neither has it. */
export async function findSops(): Promise<string | undefined> {
  const built = globSync(join(cacheFolder("artifacts"), `sops-${PINS.sops.version}-*`)).find(
    (folder) => faultOf(folder) === undefined,
  );
  if (built !== undefined) return join(built, "sops");
  const folder = mkdtempSync(join(tmpdir(), "infra-k3s-prebuilt-"));
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  if (await takePrebuilt("sops", PINS.sops, folder, console.warn)) return join(folder, "sops");
  console.warn(
    "SKIPPED: the tests with the real SOPS; run `infra-k3s sandbox up` once, or name a folder of prebuilt programs in INFRA_K3S_ARTIFACT_CACHE",
  );
}

export interface Outcome {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** A cluster repository of its own, in which the command line is run as a person would. */
export class Place {
  readonly root: string;
  readonly sops: string;
  /** A home with a cache of its own; the repository is in it. */
  readonly base = mkdtempSync(join(tmpdir(), "infra-k3s-secrets-"));

  constructor(program: string) {
    this.root = join(this.base, "cluster");
    mkdirSync(this.root);
    const sha256 = createHash("sha256").update(readFileSync(program)).digest("hex");
    this.sops = join(this.base, "cache/infra-k3s/tools", `sops-${sha256.slice(0, 12)}`, "sops");
    cpSync(program, this.sops);
    cpSync(join(ROOT, "examples/one-node/cluster.yaml"), join(this.root, "cluster.yaml"));
    const lock = JSON.parse(
      readFileSync(join(ROOT, "test/golden/one-node/versions.lock.json"), "utf8"),
    ) as object;
    const file = { url: "http://127.0.0.1:9/sops", sha256 };
    const sops = { version: PINS.sops.version, files: { "linux-amd64": file, "linux-arm64": file } };
    writeFileSync(join(this.root, "versions.lock.json"), JSON.stringify({ ...lock, sops }));
    writeFileSync(join(this.root, ".gitignore"), ".age-key.local\n.envrc.local\n");
    git(this.root, "init", "--quiet", "--initial-branch=main");
  }

  start(args: readonly string[], env: Record<string, string> = {}) {
    return this.startCli(["secrets", ...args], env);
  }

  private startCli(args: readonly string[], env: Record<string, string>, cwd = this.root) {
    return spawn(process.execPath, [join(ROOT, "src/cli.ts"), ...args], {
      cwd,
      env: { ...process.env, XDG_CACHE_HOME: join(this.base, "cache"), HOME: this.base, ...env },
      stdio: "pipe",
    });
  }

  /** `secrets …`. */
  run(args: readonly string[], stdin = "", env: Record<string, string> = {}): Promise<Outcome> {
    return this.cli(["secrets", ...args], stdin, env);
  }

  async cli(
    args: readonly string[],
    stdin = "",
    env: Record<string, string> = {},
    cwd?: string,
  ): Promise<Outcome> {
    const child = this.startCli(args, env, cwd);
    // What refuses its arguments is gone before it reads.
    child.stdin.on("error", () => undefined);
    child.stdin.end(stdin);
    const ended = new Promise<number | null>((done) => child.on("close", done));
    const [stdout, stderr, code] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
    return { code, stdout, stderr };
  }

  /** As `run`, where it must succeed. */
  async must(args: readonly string[], stdin = "", env: Record<string, string> = {}): Promise<string> {
    const { code, stdout, stderr } = await this.run(args, stdin, env);
    if (code !== 0) throw new Error(`secrets ${args.join(" ")} ended with ${code}\n${stdout}${stderr}`);
    return stdout;
  }

  read(path: string): string {
    return readFileSync(join(this.root, path), "utf8");
  }

  has(path: string): boolean {
    return existsSync(join(this.root, path));
  }

  /** Without the hook, which would start the launcher. */
  commit(message: string): void {
    git(this.root, "add", "--all");
    git(this.root, "commit", "--quiet", "--no-verify", `--message=${message}`);
  }

  remove(): void {
    rmSync(this.base, { recursive: true, force: true });
  }
}
