import { createHash } from "node:crypto";
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { cacheFolder } from "../../src/tools/cache.ts";
import { PRODUCT_ROOT } from "../../src/repository/shipped.ts";
import { run } from "../command.ts";
import { DEBIAN_HOST } from "./names.ts";

const SUITE = "bookworm";
const KEYRING = "/etc/apt/keyrings/sandbox.asc";

/** The packages that the roles install, by the roles' own list. */
export function rolePackages(): string[] {
  const defaults = parse(
    readFileSync(join(PRODUCT_ROOT, "ansible/roles/base/defaults/main.yml"), "utf8"),
  ) as {
    base_packages: string[];
  };
  return defaults.base_packages;
}

/** Programs of Debian's that the sandbox itself runs, with what they depend on: their files, in the user's cache. */
export async function unpackedPackages(rootfs: string, packages: readonly string[]): Promise<string> {
  const pool = await ensurePackages(rootfs, packages);
  const folder = `${pool}-unpacked`;
  if (existsSync(folder)) return folder;
  const building = `${folder}.${process.pid}`;
  mkdirSync(building, { recursive: true });
  for (const name of readdirSync(pool)) await run(["dpkg-deb", "--extract", join(pool, name), building]);
  renameSync(building, folder);
  return folder;
}

/** A signed Debian repository in the mirror with what the roles install and all it depends on. */
export async function fillDebian(stateDir: string, rootfs: string): Promise<void> {
  const folder = join(stateDir, "debian");
  if (existsSync(folder)) return;
  const pool = await ensurePackages(rootfs, rolePackages());
  const host = join(stateDir, "mirror", DEBIAN_HOST);
  const dist = join(host, "dists", SUITE);
  const binary = "main/binary-amd64";
  mkdirSync(join(dist, binary), { recursive: true });
  cpSync(pool, join(host, "pool"), { recursive: true });
  writeFileSync(
    join(dist, binary, "Packages"),
    await run(["apt-ftparchive", "packages", "pool"], { cwd: host }),
  );
  const options = ["Origin=infra-k3s", "Label=sandbox", `Suite=${SUITE}`, `Codename=${SUITE}`, "Components=main", "Architectures=amd64"]; // prettier-ignore
  const release = await run([
    "apt-ftparchive", ...options.flatMap((option) => ["-o", `APT::FTPArchive::Release::${option}`]), "release", dist,
  ]); // prettier-ignore
  writeFileSync(join(dist, "Release"), `${release}\n`);
  await sign(stateDir, dist);
  writeFileSync(
    join(`${folder}.new`, "sources.list"),
    `deb [signed-by=${KEYRING}] https://${DEBIAN_HOST} ${SUITE} main\n`,
  );
  renameSync(`${folder}.new`, folder);
}

/** Signs the release with a key of the sandbox's own. */
async function sign(stateDir: string, dist: string): Promise<void> {
  const folder = join(stateDir, "debian.new");
  const home = join(stateDir, "gnupg");
  mkdirSync(folder, { recursive: true });
  mkdirSync(home, { recursive: true, mode: 0o700 });
  const gpg = [
    "gpg",
    "--homedir",
    home,
    "--batch",
    "--quiet",
    "--pinentry-mode",
    "loopback",
    "--passphrase",
    "",
  ] as const;
  await run([...gpg, "--quick-generate-key", "infra-k3s sandbox", "ed25519", "sign", "never"]);
  await run([...gpg, "--yes", "--clearsign", "--output", join(dist, "InRelease"), join(dist, "Release")]);
  await run([...gpg, "--armor", "--output", join(folder, "sandbox.asc"), "--export"]);
  await run(["gpgconf", "--homedir", home, "--kill", "all"]);
}

/**
 * The packages' files, in the user's cache: what apt would fetch for them on a host as it is made here. With the lists
 * and keys of the hosts' Debian, not of this machine, which may be another one or have no lists at all.
 */
async function ensurePackages(rootfs: string, packages: readonly string[]): Promise<string> {
  const key = createHash("sha256")
    .update(JSON.stringify([rootfs, packages]))
    .digest("hex")
    .slice(0, 12);
  const folder = cacheFolder("debian", key);
  if (existsSync(folder)) return folder;
  const building = `${folder}.${process.pid}`;
  rmSync(building, { recursive: true, force: true });
  for (const part of ["lists/partial", "cache", "archives/partial"]) {
    mkdirSync(join(building, part), { recursive: true });
  }
  const settings = {
    "Dir::Etc::SourceList": `${rootfs}/etc/apt/sources.list`,
    "Dir::Etc::SourceParts": "/dev/null",
    "Dir::Etc::TrustedParts": `${rootfs}/etc/apt/trusted.gpg.d`,
    "Dir::State::Lists": join(building, "lists"),
    "Dir::State::status": `${rootfs}/var/lib/dpkg/status`,
    "Dir::Cache": join(building, "cache"),
    "Dir::Cache::archives": join(building, "archives"),
    "APT::Architecture": "amd64",
    "APT::Sandbox::User": "root",
    "Debug::NoLocking": "1",
  };
  const apt = [
    "apt-get",
    "--quiet",
    ...Object.entries(settings).map(([name, value]) => `-o${name}=${value}`),
  ] as const;
  try {
    await run([...apt, "update"]);
    await run([...apt, "install", "--download-only", "--yes", "--no-install-recommends", ...packages]);
    rmSync(join(building, "archives/partial"), { recursive: true });
    rmSync(join(building, "archives/lock"), { force: true });
    renameSync(join(building, "archives"), folder);
  } finally {
    rmSync(building, { recursive: true, force: true });
  }
  return folder;
}
