import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Plan, services } from "../network/plan.ts";
import { unpackedPackages } from "./debian.ts";
import { registryNames } from "./names.ts";
import { issue } from "./trust.ts";

/**
 * The command that runs Debian's docker-registry for the sandbox: a real registry that answers by every upstream's name,
 * with the same repositories under each. It only reads.
 */
export async function registryCommand(
  plan: Plan,
  stateDir: string,
  rootfs: string,
  images: string,
): Promise<string[]> {
  const folder = join(stateDir, "registry");
  mkdirSync(folder, { recursive: true });
  // A cluster that is given a repository needs more images: they come under the same path, with no pull failing meanwhile.
  const storage = join(folder, "images");
  rmSync(`${storage}.new`, { force: true });
  symlinkSync(images, `${storage}.new`);
  renameSync(`${storage}.new`, storage);
  const { key, cert } = await issue(stateDir, "registry", registryNames(plan));
  const config = {
    version: 0.1,
    log: { level: "info" },
    storage: { filesystem: { rootdirectory: storage }, maintenance: { readonly: { enabled: true } } },
    http: { addr: `${services(plan).registry}:443`, tls: { certificate: cert, key } },
  };
  const path = join(folder, "config.yaml");
  writeFileSync(path, JSON.stringify(config));
  const root = await unpackedPackages(rootfs, ["docker-registry"]);
  return [join(root, "usr/bin/docker-registry"), "serve", path];
}
